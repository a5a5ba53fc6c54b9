//! The cache.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ExpectedSentinel, Span};

/// What is expected of the cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedCache {
    /// Oldest major version.
    pub minimum_version: u32,
    /// Newest major version.
    pub maximum_version: u32,
    /// `standalone`, `sentinel`, `cluster`.
    pub mode: String,
    /// Where the Sentinels are, in the mode `sentinel`.
    pub sentinel: ExpectedSentinel,
    /// How data outlives a restart: `aof`, `rdb`; empty where it need not.
    pub persistence: Vec<String>,
    /// Oldest save of changed data.
    pub maximum_save_age: Span,
    /// The policy `noeviction` is meant: writes fail when the memory is full.
    pub no_eviction: bool,
    /// Memory of a server whose container is not seen here, as a quantity.
    pub memory: String,
    /// Commands that the application's user must not be able to call.
    pub denied_commands: Vec<String>,
    /// Job of the exporter in Prometheus.
    pub exporter_job: String,
    /// Alerts that must be loaded.
    pub alerts: Vec<String>,
}

impl Default for ExpectedCache {
    fn default() -> Self {
        Self {
            minimum_version: 7,
            maximum_version: 8,
            mode: "standalone".into(),
            sentinel: ExpectedSentinel::default(),
            persistence: vec!["aof".into()],
            maximum_save_age: Span(Duration::from_hours(2)),
            no_eviction: false,
            memory: String::new(),
            // Those that destroy everything, open other ways in or stop the server: the category `dangerous` of Redis'
            // documentation (https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/).
            denied_commands: [
                "FLUSHALL",
                "FLUSHDB",
                "SWAPDB",
                "KEYS",
                "CONFIG SET",
                "ACL SETUSER",
                "DEBUG",
                "SHUTDOWN",
                "MODULE LOAD",
                "REPLICAOF",
                "SAVE",
                "MIGRATE",
                "RESTORE",
                "MONITOR",
            ]
            .map(str::to_owned)
            .into(),
            exporter_job: "redis-exporter".into(),
            alerts: vec![
                "RedisDown".into(),
                "RedisMemoryNearLimit".into(),
                "RedisPersistenceFailing".into(),
            ],
        }
    }
}
