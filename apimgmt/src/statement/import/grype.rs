//! Grype's JSON (`grype -o json`).

use serde::Deserialize;

use super::{by_severity, digests, time};
use crate::{
    Error,
    snapshot::sessions::{Import, ImportKind},
};

#[derive(Deserialize)]
pub(super) struct Report {
    matches: Vec<Match>,
    descriptor: Descriptor,
    #[serde(default)]
    source: Source,
}

#[derive(Deserialize)]
struct Match {
    vulnerability: Vulnerability,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Vulnerability {
    severity: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Descriptor {
    name: String,
    version: String,
    timestamp: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Source {
    #[serde(rename = "type")]
    kind: String,
    target: Target,
}

/// For an image an object; for a folder its path alone.
#[derive(Deserialize)]
#[serde(untagged)]
enum Target {
    Image(Image),
    Path(serde::de::IgnoredAny),
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Image {
    user_input: String,
    #[serde(rename = "imageID")]
    image_id: String,
    manifest_digest: String,
    repo_digests: Option<Vec<String>>,
}

impl Default for Target {
    fn default() -> Self {
        Self::Path(serde::de::IgnoredAny)
    }
}

pub(super) fn read(report: &Report) -> Result<Import, Error> {
    if report.descriptor.name != "grype" {
        return Err(Error::usage(
            "the report looks like one of Grype but another tool wrote it",
        ));
    }
    let Target::Image(image) = &report.source.target else {
        return Err(
            Error::usage(format!("the report is of a {}, not of an image", report.source.kind))
                .hint("`grype IMAGE -o json`"),
        );
    };
    let repo_digests = image.repo_digests.iter().flatten().map(String::as_str);
    let named = [image.manifest_digest.as_str(), image.image_id.as_str()];
    Ok(Import {
        kind: ImportKind::Image,
        tool: "grype".into(),
        tool_version: report.descriptor.version.clone(),
        subject: image.user_input.clone(),
        digests: digests(repo_digests.chain(named)),
        scanned_at: time(&report.descriptor.timestamp),
        counts: by_severity(report.matches.iter().map(|found| found.vulnerability.severity.as_str())),
        ..Import::default()
    })
}
