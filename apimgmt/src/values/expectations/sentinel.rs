//! Where the Sentinels of the cache are.

use serde::{Deserialize, Serialize};

/// The Sentinels that watch over the master.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedSentinel {
    /// Service in front of them; every ready pod behind it is asked.
    pub service: String,
    /// Port of the service.
    pub port: u16,
    /// Name of the master.
    pub master: String,
    /// Fewest Sentinels; three are needed to survive the loss of one.
    pub minimum: usize,
    /// Fewest replicas in sync.
    pub replicas: usize,
}

impl Default for ExpectedSentinel {
    fn default() -> Self {
        Self {
            service: "redis-sentinel".into(),
            port: 26379,
            master: "mymaster".into(),
            minimum: 3,
            replicas: 1,
        }
    }
}
