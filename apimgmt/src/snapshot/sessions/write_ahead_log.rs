//! What keeps PostgreSQL's write-ahead log on its volume: slots and the archive.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The log's keepers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WriteAheadLog {
    /// Replication slots, the one furthest behind first.
    pub slots: Vec<Slot>,
    /// The archive; `None` where `archive_mode` is off.
    pub archiver: Option<Archiver>,
}

/// A replication slot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Slot {
    /// Name.
    pub name: String,
    /// `physical` or `logical`.
    pub kind: String,
    /// Whether somebody reads it.
    pub active: bool,
    /// `reserved`, `extended`, `unreserved`, `lost`.
    pub wal_status: String,
    /// Bytes of log that are kept for it; `None` once it lost them.
    pub behind_bytes: Option<i64>,
    /// Bytes that may still be written before it loses what it needs; `None` for any number.
    pub safe_bytes: Option<i64>,
}

/// What `pg_stat_archiver` counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Archiver {
    /// Files that were archived.
    pub archived: i64,
    /// When the last one was.
    pub last_archived_at: Option<Timestamp>,
    /// Attempts that failed.
    pub failed: i64,
    /// When the last one did.
    pub last_failed_at: Option<Timestamp>,
    /// The file that it was about.
    pub last_failed_file: String,
}
