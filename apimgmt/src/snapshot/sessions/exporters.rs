//! What the exporters of PostgreSQL and Redis told Prometheus, over the window that is judged.

use serde::{Deserialize, Serialize};

/// Values of exporters' series; `None` where Prometheus has no such series, or no number.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exporters {
    /// `pg_up`: 1 when the exporter reaches PostgreSQL.
    pub pg_up: Option<f64>,
    /// `redis_up`: 1 when the exporter reaches Redis.
    pub redis_up: Option<f64>,
    /// Hits of the keyspace over the window.
    pub cache_hits: Option<f64>,
    /// Misses of the keyspace over the window.
    pub cache_misses: Option<f64>,
    /// Most connections to PostgreSQL at one time in the window.
    pub most_connections: Option<f64>,
    /// Most connections that the application's pools used at one time in the window, all pods together.
    pub most_pooled_in_use: Option<f64>,
    /// Most requests that waited for a connection of a pool at one time in the window, all pods together.
    pub most_waiting: Option<f64>,
    /// Requests that the application answered in the window: whether there was any load at all.
    pub requests: Option<f64>,
}
