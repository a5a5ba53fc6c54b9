//! Connections that are needed, and those that must be closed.

use serde::{Deserialize, Serialize};

/// What is expected of connections.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedNetwork {
    /// Needed beside those that follow from the roles.
    pub needed: Vec<DeclaredEdge>,
    /// Closed beside those that follow from the roles.
    pub closed: Vec<DeclaredEdge>,
    /// An existing namespace in which probes stand for everybody outside.
    pub outside_namespace: String,
}

impl Default for ExpectedNetwork {
    fn default() -> Self {
        Self {
            needed: Vec::new(),
            closed: Vec::new(),
            outside_namespace: "default".into(),
        }
    }
}

/// A connection.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DeclaredEdge {
    /// Who connects: `application`, `database`, `cache`, `monitoring`, `stranger` (any pod of the namespace), `outside`.
    pub from: String,
    /// One of these, or `HOST:PORT`.
    pub to: String,
}
