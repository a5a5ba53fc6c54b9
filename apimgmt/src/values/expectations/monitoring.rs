//! What watches the release.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// What is expected of monitoring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedMonitoring {
    /// Prometheus.
    pub prometheus: ServiceAddress,
    /// Alertmanager.
    pub alertmanager: ServiceAddress,
    /// Grafana.
    pub grafana: ServiceAddress,
    /// Targets that must be up.
    pub targets: Vec<ExpectedTarget>,
    /// Series that must be present.
    pub series: Vec<String>,
    /// Oldest last scrape.
    pub maximum_age: Span,
    /// Unique ids of the dashboards that must be there.
    pub dashboards: Vec<String>,
}

impl Default for ExpectedMonitoring {
    fn default() -> Self {
        let service = |name: &str, port| ServiceAddress {
            service: name.into(),
            port,
        };
        Self {
            prometheus: ServiceAddress::default(),
            alertmanager: service("alertmanager-service", 9093),
            grafana: service("grafana-service", 3000),
            targets: vec![ExpectedTarget {
                job: "api-management".into(),
            }],
            series: vec![
                "http_requests_total".into(),
                "http_request_duration_seconds_bucket".into(),
            ],
            maximum_age: Span(Duration::from_mins(2)),
            dashboards: ["apimgmt-application", "apimgmt-database", "apimgmt-cache"]
                .map(str::to_owned)
                .into(),
        }
    }
}

/// A service of the namespace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceAddress {
    /// Name.
    pub service: String,
    /// Port.
    pub port: u16,
}

impl Default for ServiceAddress {
    fn default() -> Self {
        Self {
            service: "prometheus-service".into(),
            port: 9090,
        }
    }
}

/// A scrape target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedTarget {
    /// Label `job`.
    pub job: String,
}
