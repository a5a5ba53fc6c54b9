//! How PostgreSQL is set and kept: parameters, transaction ids, checkpoints, bloat.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// A parameter of the server.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Setting {
    /// Value as a new session of the role gets it.
    pub value: String,
    /// Unit of a number: `8kB`, `kB`, `MB`, `ms`, `s`; empty for none.
    pub unit: String,
    /// Another value is set and waits for a restart.
    pub pending_restart: bool,
}

impl Setting {
    /// The number without its unit.
    pub fn number(&self) -> Option<f64> {
        self.value.parse().ok()
    }

    /// The amount in bytes, of a parameter that is one.
    pub fn bytes(&self) -> Option<f64> {
        let unit = match self.unit.as_str() {
            "B" => 1.0,
            "kB" => 1024.0,
            "8kB" => 8192.0,
            "16kB" => 16384.0,
            "32kB" => 32768.0,
            "MB" => 1_048_576.0,
            "GB" => 1_073_741_824.0,
            _ => return None,
        };
        self.number().map(|number| number * unit)
    }
}

/// How the server's tables and its log are kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Upkeep {
    /// The database with the oldest unfrozen transaction id.
    pub oldest_database: String,
    /// Age of that id, in transactions.
    pub oldest_xid: i64,
    /// Age of the oldest multixact of any database.
    pub oldest_multixact: i64,
    /// Checkpoints that began because their time had come.
    pub checkpoints_timed: i64,
    /// Checkpoints that began because the write-ahead log was full, or somebody asked.
    pub checkpoints_requested: i64,
    /// Since when checkpoints are counted.
    pub counted_since: Option<Timestamp>,
    /// The largest tables of the application's database.
    pub tables: Vec<Table>,
}

/// A table.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Table {
    /// Schema and name.
    pub name: String,
    /// Size of its rows' pages in bytes.
    pub bytes: i64,
    /// What its rows would take without bloat; `None` where the role may not see their statistics, or there are none.
    pub needed_bytes: Option<i64>,
    /// Rows.
    pub rows: f64,
    /// Rows that are deleted and not vacuumed.
    pub dead: i64,
    /// When it was vacuumed last, by whom ever; `None` when never.
    pub last_vacuum: Option<Timestamp>,
    /// Autovacuum is off for this very table.
    pub autovacuum_off: bool,
}
