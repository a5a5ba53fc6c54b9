//! `checklist.performance.traffic` and `checklist.throughput`: where requests are counted and how many must be served.

use serde::{Deserialize, Serialize};

/// Which series count the application's requests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedTraffic {
    /// Histogram of durations in seconds, without `_bucket`.
    pub duration: String,
    /// Counter of requests.
    pub requests: String,
    /// Labels of what counts as traffic: the kubelet's health checks are quick and would flatter.
    pub selector: String,
    /// Further labels of a request that failed.
    pub errors: String,
}

impl Default for ExpectedTraffic {
    fn default() -> Self {
        Self {
            duration: "http_request_duration_seconds".into(),
            requests: "http_requests_total".into(),
            selector: r#"job="api-management",route!~"/health.*|/metrics""#.into(),
            errors: r#"status=~"5..""#.into(),
        }
    }
}

/// What must be served.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedThroughput {
    /// Requests a second; 0 declares none.
    pub requests_per_second: f64,
    /// Largest share of requests that may fail.
    pub error_rate: f64,
}

impl Default for ExpectedThroughput {
    fn default() -> Self {
        Self {
            requests_per_second: 50.0,
            error_rate: 0.01,
        }
    }
}
