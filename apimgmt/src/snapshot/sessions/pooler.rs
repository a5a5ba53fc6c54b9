//! What stands between an application and PostgreSQL and shares its connections.

use serde::{Deserialize, Serialize};

/// A pooler, by its configuration.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pooler {
    /// The pod by which the application's credentials were tried.
    pub object: String,
    /// The server behind it, as it names it: `HOST:PORT`.
    pub server: String,
    /// When a client gives a connection back: `session`, `transaction`, `statement`.
    pub mode: String,
    /// Most connections that one of its pods has to the server for the application; `None` when it does not say.
    pub pool_size: Option<u32>,
    /// Most clients that one of its pods takes; `None` when it does not say.
    pub most_clients: Option<u32>,
}

impl Pooler {
    /// Clients of one pod that may have a connection when they need one: in session mode each keeps its own.
    pub fn served(&self) -> Option<u32> {
        let most = self.most_clients?;
        if self.mode == "session" {
            return Some(most.min(self.pool_size?));
        }
        Some(most)
    }
}
