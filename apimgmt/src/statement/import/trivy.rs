//! Trivy's own JSON (`trivy image --format json`), schema version 2.

use serde::Deserialize;

use super::{by_severity, digests, time};
use crate::{
    Error,
    snapshot::sessions::{Import, ImportKind},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Report {
    artifact_name: String,
    #[serde(default)]
    artifact_type: String,
    #[serde(default)]
    created_at: String,
    #[serde(default)]
    metadata: Metadata,
    #[serde(default)]
    results: Option<Vec<Target>>,
    #[serde(default)]
    trivy: Tool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Metadata {
    #[serde(rename = "ImageID")]
    image_id: String,
    repo_digests: Option<Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Tool {
    version: String,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Target {
    vulnerabilities: Option<Vec<Vulnerability>>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "PascalCase", default)]
struct Vulnerability {
    severity: String,
}

pub(super) fn read(report: &Report) -> Result<Import, Error> {
    // A file system or a repository is no image that runs.
    if !report.artifact_type.is_empty() && report.artifact_type != "container_image" {
        return Err(Error::usage(format!(
            "the report is of a {}, not of an image",
            report.artifact_type.replace('_', " ")
        ))
        .hint("`trivy image --format json IMAGE`"));
    }
    let repo_digests = report.metadata.repo_digests.iter().flatten().map(String::as_str);
    let findings = report
        .results
        .iter()
        .flatten()
        .flat_map(|target| target.vulnerabilities.iter().flatten());
    Ok(Import {
        kind: ImportKind::Image,
        tool: "trivy".into(),
        tool_version: report.trivy.version.clone(),
        subject: report.artifact_name.clone(),
        digests: digests(repo_digests.chain([report.metadata.image_id.as_str()])),
        scanned_at: time(&report.created_at),
        counts: by_severity(findings.map(|finding| finding.severity.as_str())),
        ..Import::default()
    })
}
