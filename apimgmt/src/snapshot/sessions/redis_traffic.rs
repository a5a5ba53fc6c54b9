//! Counters of Redis at a second reading, so that a rate is of now and not since the server's start.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Hits and misses of the keyspace at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct KeyspaceReads {
    /// When.
    pub at: Option<Timestamp>,
    /// Hits since the server started.
    pub hits: u64,
    /// Misses since the server started.
    pub misses: u64,
    /// Keys evicted since the server started.
    pub evicted: u64,
}
