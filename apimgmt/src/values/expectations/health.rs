//! The application's health paths.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// What is expected of the application's health.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedHealth {
    /// Port of the pods.
    pub port: u16,
    /// Paths.
    pub paths: Vec<HealthPath>,
}

impl Default for ExpectedHealth {
    fn default() -> Self {
        let path = |path: &str, seconds| HealthPath {
            path: path.into(),
            within: Span(Duration::from_secs(seconds)),
        };
        Self {
            port: 8080,
            paths: vec![path("/health/live", 1), path("/health/ready", 1), path("/health", 2)],
        }
    }
}

/// A health path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthPath {
    /// Path.
    pub path: String,
    /// Longest time for an answer.
    #[serde(default = "HealthPath::default_limit")]
    pub within: Span,
}

impl HealthPath {
    fn default_limit() -> Span {
        Span(Duration::from_secs(1))
    }
}
