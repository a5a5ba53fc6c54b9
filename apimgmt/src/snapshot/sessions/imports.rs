//! Reports of scanners that people imported, reduced to counts, what was scanned, when and by which tool.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a report is about.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ImportKind {
    /// Vulnerabilities of one image; counts by severity: `critical`, `high`, `medium`, `low`, `negligible`, `unknown`.
    #[default]
    Image,
    /// Controls of a benchmark on the cluster; counts by outcome: `pass`, `fail`, `warn`, `info`, `skipped`.
    Benchmark,
}

/// One imported report.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Import {
    /// The object that holds it, such as `configmap/apimgmt-import-7d4xk`.
    pub object: String,
    /// What it is about.
    pub kind: ImportKind,
    /// The tool that made it: `trivy`, `grype`, `kube-bench`, `kubescape`, or the name in a SARIF file.
    pub tool: String,
    /// The tool's version; empty when the report does not say.
    pub tool_version: String,
    /// What was scanned: the image as it was named, or the benchmark with its version.
    pub subject: String,
    /// Digests of the image, `sha256:…`: of its manifest as registries name it, and of its configuration as nodes may name it.
    pub digests: Vec<String>,
    /// When it was scanned, as the report says or as the person who imported it declared.
    pub scanned_at: Option<Timestamp>,
    /// Findings by severity or outcome, as [`ImportKind`] names them; one that is absent was not found.
    pub counts: BTreeMap<String, u64>,
    /// SHA-256 of the imported file, hexadecimal.
    pub sha256: String,
    /// Who imported it.
    pub by: String,
    /// When the cluster stored it.
    pub at: Option<Timestamp>,
}

impl Import {
    /// Findings of a severity or outcome.
    pub fn count(&self, name: &str) -> u64 {
        self.counts.get(name).copied().unwrap_or_default()
    }

    /// Whether it is about the image with this digest: `sha256:…`, alone or at the end of a reference.
    pub fn is_of(&self, digest: &str) -> bool {
        let digest = digest.rsplit('@').next().unwrap_or(digest);
        digest.starts_with("sha256:") && self.digests.iter().any(|known| known == digest)
    }
}

#[cfg(test)]
mod tests {
    use super::Import;

    #[test]
    fn an_image_is_known_by_its_digest_alone() {
        let import = Import {
            digests: vec!["sha256:aa".into()],
            ..Import::default()
        };
        assert!(import.is_of("sha256:aa") && import.is_of("registry.test/app@sha256:aa"));
        assert!(!import.is_of("sha256:ab") && !import.is_of("app:1.0") && !import.is_of(""));
    }
}
