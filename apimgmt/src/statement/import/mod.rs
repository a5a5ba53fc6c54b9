//! Reports of scanners, recognised by their shape and reduced to counts. Nothing else of them is kept.

mod grype;
mod kube_bench;
mod kubescape;
mod sarif;
mod trivy;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{Error, snapshot::sessions::Import};

/// Largest report that is read.
pub const LARGEST: u64 = 256 << 20;

/// What tells the shapes apart: the keys at the top.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Shape {
    runs: Option<serde::de::IgnoredAny>,
    #[serde(rename = "SchemaVersion")]
    schema_version: Option<serde::de::IgnoredAny>,
    #[serde(rename = "ArtifactName")]
    artifact_name: Option<serde::de::IgnoredAny>,
    matches: Option<serde::de::IgnoredAny>,
    descriptor: Option<serde::de::IgnoredAny>,
    #[serde(rename = "Controls")]
    controls: Option<serde::de::IgnoredAny>,
    #[serde(rename = "summaryDetails")]
    summary_details: Option<serde::de::IgnoredAny>,
}

/// Reads a report; when it was scanned and of which image stay empty where the report does not say.
///
/// # Errors
/// When it is not JSON, or has the shape of no known report.
pub fn read(bytes: &[u8]) -> Result<Import, Error> {
    let shape: Shape = serde_json::from_slice(bytes).map_err(|error| {
        Error::usage("the report is not JSON")
            .because(error)
            .hint("let the scanner write JSON: `trivy image --format json`, `grype -o json`, `kube-bench --json`, `kubescape scan --format json`, or SARIF")
    })?;
    let import = if shape.runs.is_some() {
        sarif::read(&typed(bytes, "SARIF")?)
    } else if shape.schema_version.is_some() && shape.artifact_name.is_some() {
        trivy::read(&typed(bytes, "Trivy")?)
    } else if shape.matches.is_some() && shape.descriptor.is_some() {
        grype::read(&typed(bytes, "Grype")?)
    } else if shape.controls.is_some() {
        kube_bench::read(&typed(bytes, "kube-bench")?)
    } else if shape.summary_details.is_some() {
        kubescape::read(&typed(bytes, "kubescape")?)
    } else {
        return Err(Error::usage("the report has the shape of no known scanner")
            .hint("known are JSON of Trivy, Grype, kube-bench and kubescape, and SARIF"));
    };
    Ok(Import {
        sha256: super::digest(bytes),
        ..import?
    })
}

fn typed<T: DeserializeOwned>(bytes: &[u8], of: &str) -> Result<T, Error> {
    serde_json::from_slice(bytes)
        .map_err(|error| Error::usage(format!("the report looks like one of {of} but does not fit")).because(error))
}

/// Findings by severity, in lower case; a word that is none counts as `unknown`.
fn by_severity<'a>(severities: impl IntoIterator<Item = &'a str>) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for severity in severities {
        let word = severity.to_ascii_lowercase();
        let known = matches!(word.as_str(), "critical" | "high" | "medium" | "low" | "negligible");
        *counts.entry(if known { word } else { "unknown".into() }).or_default() += 1;
    }
    counts
}

/// The distinct digests in references such as `registry/app@sha256:…`.
fn digests<'a>(references: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut digests: Vec<String> = Vec::new();
    for reference in references {
        let digest = reference.rsplit('@').next().unwrap_or(reference);
        let is_digest = digest
            .strip_prefix("sha256:")
            .is_some_and(|hex| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
        if is_digest && !digests.iter().any(|known| known == digest) {
            digests.push(digest.to_owned());
        }
    }
    digests
}

/// A time as the report writes it; the zero of Go is none.
fn time(text: &str) -> Option<Timestamp> {
    text.parse::<Timestamp>().ok().filter(|time| time.as_second() > 0)
}

#[cfg(test)]
mod tests;
