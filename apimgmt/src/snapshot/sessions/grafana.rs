//! What Grafana tells: its own health, whether its data sources answer through it, and which dashboards there are.

use serde::{Deserialize, Serialize};

/// What Grafana tells.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Grafana {
    /// The object it was read from, such as `service/grafana-service`.
    pub object: String,
    /// Version.
    pub version: String,
    /// `ok` when Grafana reaches its own database.
    pub database: String,
    /// Why nothing more could be asked: no credentials were found, or they were refused.
    pub refused: Option<String>,
    /// Data sources.
    pub data_sources: Vec<GrafanaSource>,
    /// Dashboards.
    pub dashboards: Vec<GrafanaDashboard>,
}

/// A data source of Grafana.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrafanaSource {
    /// Unique id.
    pub uid: String,
    /// Name.
    pub name: String,
    /// `prometheus`, `loki`, …
    pub kind: String,
    /// Series that the query `up` gave through Grafana; `None` when it was not asked, or there was no answer.
    pub answered: Option<u64>,
    /// Why there was no answer.
    pub error: Option<String>,
}

/// A dashboard of Grafana.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GrafanaDashboard {
    /// Unique id.
    pub uid: String,
    /// Title.
    pub title: String,
}
