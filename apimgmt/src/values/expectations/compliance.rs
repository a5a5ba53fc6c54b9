//! What is expected of benchmarks.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// Results of benchmarks that must be imported.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedCompliance {
    /// Tools whose result must be there without a failed control: `kube-bench`, `kubescape`.
    pub benchmarks: Vec<String>,
    /// Oldest result that counts.
    pub maximum_age: Span,
}

impl Default for ExpectedCompliance {
    fn default() -> Self {
        Self {
            benchmarks: Vec::new(),
            maximum_age: Span(Duration::from_hours(24 * 90)),
        }
    }
}
