//! Who keeps PostgreSQL's sessions and holds what others wait for: never the text of a query.

use serde::{Deserialize, Serialize};

/// Who holds what.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Contention {
    /// Sessions by who has them, the most numerous first; of those whose state the role may not see it is empty.
    pub clients: Vec<Client>,
    /// Sessions that others wait for and that wait for nobody: the roots of the tree of locks.
    pub blockers: Vec<Blocker>,
    /// What keeps the oldest row versions from being removed and the oldest transaction ids from being frozen.
    pub horizon: Option<Horizon>,
}

/// Sessions of one role, application, address and state.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Client {
    /// Role.
    pub user: String,
    /// `application_name`.
    pub application: String,
    /// Address that it came from; empty for a local one.
    pub address: String,
    /// `active`, `idle`, `idle in transaction`, …
    pub state: String,
    /// How many.
    pub count: i64,
    /// Longest time in that state, in seconds.
    pub longest_seconds: f64,
}

/// A session that others wait for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Blocker {
    /// Process id.
    pub pid: i32,
    /// Role.
    pub user: String,
    /// `application_name`.
    pub application: String,
    /// Address that it came from; empty for a local one.
    pub address: String,
    /// `idle in transaction`, `active`, or what kind of process it is.
    pub state: String,
    /// The first word of its latest statement: `ALTER`, `UPDATE`.
    pub command: String,
    /// How long its transaction has been open, in seconds.
    pub transaction_seconds: f64,
    /// How long it has been in that state, in seconds.
    pub state_seconds: f64,
    /// Sessions that wait for it, by way of others too.
    pub blocked: i64,
    /// Longest wait of those, in seconds.
    pub longest_wait: f64,
    /// A table that they wait for, where it is one.
    pub relation: String,
}

/// What holds the oldest transaction id.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Horizon {
    /// `session`, `prepared`, `slot`, `replica`.
    pub kind: String,
    /// Process id, name of the prepared transaction, of the slot, or of the replica.
    pub name: String,
    /// Who that is, for a person.
    pub description: String,
    /// Age in transactions.
    pub age: i64,
    /// Age in seconds, where it has one.
    pub seconds: Option<f64>,
}
