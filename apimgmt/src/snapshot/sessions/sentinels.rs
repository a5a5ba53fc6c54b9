//! What the Sentinels of a Redis master say, each for itself.

use serde::{Deserialize, Serialize};

/// What one Sentinel says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Sentinel {
    /// The object it was read from, such as `pod/sentinel-0`.
    pub object: String,
    /// Why it could not be asked.
    pub error: Option<String>,
    /// Address of the master as it sees it: `10.1.0.7:6379`.
    pub master: String,
    /// Flags of the master: `master`, `s_down`, `o_down`.
    pub master_flags: String,
    /// Sentinels that must agree.
    pub quorum: Option<i64>,
    /// Other Sentinels that it knows.
    pub other_sentinels: Option<i64>,
    /// The answer to `SENTINEL CKQUORUM`: begins with `OK` when quorum and majority are reachable.
    pub quorum_check: String,
    /// The replicas that it knows.
    pub replicas: Vec<RedisReplica>,
}

/// A replica as a Sentinel or the master sees it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RedisReplica {
    /// Address: `10.1.0.8:6379`.
    pub address: String,
    /// `slave`, with `s_down` or `disconnected` when it is not well.
    pub flags: String,
    /// `ok` when its link to the master is up.
    pub master_link: String,
    /// Bytes of the replication log that it has.
    pub offset: i64,
}
