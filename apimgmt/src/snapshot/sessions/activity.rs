//! Who is connected to PostgreSQL, and what pools the application has.

use serde::{Deserialize, Serialize};

/// The sessions of the server.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Activity {
    /// The role that looked. Without the rights of `pg_monitor` it sees the states of its own sessions alone.
    pub seen_by: String,
    /// Sessions of the application's role.
    pub application: Sessions,
    /// Sessions of everybody else.
    pub others: i64,
}

/// Sessions of one role, without those of this software.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sessions {
    /// All of them.
    pub total: i64,
    /// Those that came over the network without TLS.
    pub unencrypted: i64,
    /// Work.
    pub active: i64,
    /// Wait for work.
    pub idle: i64,
    /// Hold a transaction open and do nothing.
    pub idle_in_transaction: i64,
    /// Wait for a lock that another holds.
    pub waiting: i64,
    /// Longest time that a transaction has been open with nothing done, in seconds.
    pub longest_idle_in_transaction: f64,
    /// Longest time that a transaction has been open, in seconds.
    pub longest_transaction: f64,
}

/// The connection pool of one pod of the application, out of its environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pool {
    /// The variable that was looked for.
    pub variable: String,
    /// Its value; `None` when it is not there or no number.
    pub size: Option<u32>,
}
