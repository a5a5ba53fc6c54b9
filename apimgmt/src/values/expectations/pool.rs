//! What is expected of the application's pools of database connections.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// How large a pool is, and which series tell of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedPool {
    /// Variable of the application's environment that holds the size of one pool.
    pub variable: String,
    /// Pools in each pod: one for each worker process.
    pub per_pod: u32,
    /// Expression of Prometheus: connections in use, of all pods together.
    pub in_use: String,
    /// Expression of Prometheus: requests that wait for a connection, of all pods together.
    pub waiting: String,
    /// Longest time that a transaction may stay open with nothing done.
    pub maximum_idle_in_transaction: Span,
}

impl Default for ExpectedPool {
    fn default() -> Self {
        Self {
            variable: "DATABASE_POOL_SIZE".into(),
            per_pod: 1,
            in_use: r#"sum(database_pool_connections{state="in_use"})"#.into(),
            waiting: r#"sum(database_pool_connections{state="waiting"})"#.into(),
            maximum_idle_in_transaction: Span(Duration::from_mins(1)),
        }
    }
}
