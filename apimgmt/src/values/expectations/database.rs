//! The database.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ExpectedPool, ExpectedPrivileges, Span};

/// What is expected of the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedDatabase {
    /// Name.
    pub name: String,
    /// Oldest major version.
    pub minimum_version: u32,
    /// Newest major version.
    pub maximum_version: u32,
    /// Largest lag of a replica.
    pub maximum_lag: Span,
    /// Replicas that must stream.
    pub replicas: usize,
    /// Encoding.
    pub encoding: String,
    /// Query that gives `version, dirty` of the schema.
    pub schema_query: String,
    /// Secret with `username` and `password` of the role that reads the server's statistics.
    pub monitor_secret: String,
    /// What the application's role must be able to do.
    pub privileges: ExpectedPrivileges,
    /// The application's pools of connections.
    pub pool: ExpectedPool,
    /// Memory of a server whose container is not seen here, as a quantity.
    pub memory: String,
    /// Job of the exporter in Prometheus.
    pub exporter_job: String,
    /// Alerts that must be loaded: connections, replication, disk.
    pub alerts: Vec<String>,
}

impl Default for ExpectedDatabase {
    fn default() -> Self {
        Self {
            name: "integration_api_management".into(),
            minimum_version: 15,
            maximum_version: 18,
            maximum_lag: Span(Duration::from_secs(10)),
            replicas: 0,
            encoding: "UTF8".into(),
            schema_query: "select version, dirty from schema_migrations order by version desc limit 1".into(),
            monitor_secret: "postgres-monitor-secret".into(),
            privileges: ExpectedPrivileges::default(),
            pool: ExpectedPool::default(),
            memory: String::new(),
            exporter_job: "postgres-exporter".into(),
            alerts: vec![
                "PostgresConnectionsNearLimit".into(),
                "PostgresReplicationLag".into(),
                "PostgresDiskFilling".into(),
            ],
        }
    }
}
