//! Scans of images, as trivy-operator writes them: the counts and whose they are, never the list of findings.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Metadata;

/// A scan of the image of one container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VulnerabilityReport {
    /// Identity; the labels `trivy-operator.*` name workload and container.
    pub metadata: Metadata,
    /// What was found.
    pub report: Report,
}

/// What a scan found.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Report {
    /// When it was scanned last.
    pub update_timestamp: Option<Timestamp>,
    /// What was scanned.
    pub artifact: Artifact,
    /// Where it comes from.
    pub registry: Registry,
    /// By what.
    pub scanner: Scanner,
    /// How much was found.
    pub summary: Option<Counts>,
}

/// A scanned image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Artifact {
    /// Repository without the registry.
    pub repository: String,
    /// Tag.
    pub tag: String,
    /// Digest, `sha256:…`.
    pub digest: String,
}

/// The registry of an image.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Registry {
    /// Host.
    pub server: String,
}

/// What scans.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scanner {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

/// Findings by severity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Critical; `None` when the report does not say.
    pub critical_count: Option<u64>,
    /// High.
    pub high_count: Option<u64>,
}
