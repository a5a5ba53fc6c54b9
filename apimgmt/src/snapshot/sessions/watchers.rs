//! What Prometheus tells of those who watch with it: whom it sends alerts to, and what checks from outside saw.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What Prometheus tells of those who watch with it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Watchers {
    /// Alertmanagers that it sends alerts to, by URL.
    pub alertmanagers: Vec<String>,
    /// The last result of each check from outside in the last hour.
    pub synthetic: Vec<SyntheticCheck>,
}

/// A check from outside.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SyntheticCheck {
    /// Label `instance`: what was called.
    pub target: String,
    /// Whether the answer was as it should be.
    pub success: bool,
    /// When.
    pub at: Option<Timestamp>,
}
