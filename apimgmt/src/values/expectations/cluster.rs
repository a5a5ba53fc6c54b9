//! The cluster: its version, its nodes, its storage.

use serde::{Deserialize, Serialize};

use super::Span;

/// A window of versions, both ends included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VersionWindow {
    /// Oldest, `MAJOR.MINOR`.
    pub minimum: String,
    /// Newest, `MAJOR.MINOR`.
    pub maximum: String,
}

impl Default for VersionWindow {
    fn default() -> Self {
        Self {
            minimum: "1.33".into(),
            maximum: "1.37".into(),
        }
    }
}

/// What is expected of the nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedNodes {
    /// How many of the largest nodes may be lost with everything still fitting.
    pub tolerate_loss: usize,
}

impl Default for ExpectedNodes {
    fn default() -> Self {
        Self { tolerate_loss: 1 }
    }
}

/// What is expected of storage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedStorage {
    /// Classes with their properties.
    pub classes: Vec<ExpectedClass>,
    /// Slowest 99th percentile of an fsync.
    pub fsync_p99: Option<Span>,
}

/// What is expected of one storage class; absent properties may be anything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedClass {
    /// Name.
    pub name: String,
    /// Claims may grow.
    pub allow_volume_expansion: Option<bool>,
    /// `Delete` or `Retain`.
    pub reclaim_policy: Option<String>,
}
