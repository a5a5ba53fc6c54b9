//! What sessions to running services tell: PostgreSQL, Redis, public hosts, health paths, Prometheus, probes.

mod access;
mod activity;
mod contention;
mod database_role;
mod exporters;
mod exposure;
mod grafana;
mod imports;
mod pooler;
mod redis_access;
mod redis_traffic;
mod resolution;
mod rules;
mod sentinels;
mod slow_commands;
mod statements;
mod traffic;
mod upkeep;
mod watchers;
mod write_ahead_log;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use imports::{Import, ImportKind};
pub use statements::{Statement, StatementKind};

use super::sensitive::Certificate;

pub use access::{AccessReview, Question};
pub use activity::{Activity, Pool, Sessions};
pub use contention::{Blocker, Client, Contention, Horizon};
pub use database_role::DatabaseRole;
pub use exporters::Exporters;
pub use exposure::{Exposure, Found, LeftOut, Searched};
pub use grafana::{Grafana, GrafanaDashboard, GrafanaSource};
pub use pooler::Pooler;
pub use redis_access::{AclUser, Permission, RedisAccess};
pub use redis_traffic::KeyspaceReads;
pub use resolution::Resolution;
pub use rules::Rule;
pub use sentinels::{RedisReplica, Sentinel};
pub use slow_commands::SlowCommand;
pub use traffic::{Bucket, Traffic};
pub use upkeep::{Setting, Table, Upkeep};
pub use watchers::{SyntheticCheck, Watchers};
pub use write_ahead_log::{Archiver, Slot, WriteAheadLog};

/// How a session reached its server, which bounds what it proves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Path {
    /// Through the API server to the pod's loopback: past Service, DNS, policies and TLS names.
    #[default]
    PortForward,
    /// By the address that the application uses.
    Direct,
}

/// Whether the application's credentials were proven on the path of the session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "kebab-case")]
pub enum Login {
    /// A wrong password was refused on this path and the right one accepted.
    Proven,
    /// The right one was accepted, but so was a wrong one: the path trusts everybody, so nothing is proven.
    Trusted,
    /// The application's credentials were refused.
    Refused {
        /// The server's own words, without secrets.
        message: String,
    },
    /// It could not be tried.
    #[default]
    Untried,
}

/// What a session to PostgreSQL tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Postgresql {
    /// The object it was read from, such as `pod/postgres-0`.
    pub object: String,
    /// How it was reached.
    pub path: Path,
    /// The application's credentials.
    pub login: Login,
    /// The user of the session.
    pub user: String,
    /// `server_version_num`, such as 150018; 0 when the application could log in but enter no database.
    pub version_number: u32,
    /// `server_version`.
    pub version: String,
    /// Whether it is a standby.
    pub in_recovery: bool,
    /// When the server started.
    pub started_at: Option<Timestamp>,
    /// The database of the session: `postgres` or empty when the application's own does not exist.
    pub database: String,
    /// Encoding of the database.
    pub encoding: String,
    /// Collation version recorded in the catalogue; `None` when the collation has none.
    pub collation_version: Option<String>,
    /// Collation version that the operating system has now.
    pub collation_actual_version: Option<String>,
    /// What the schema query said; `None` when the table is absent or empty.
    pub schema: Option<SchemaVersion>,
    /// Why the schema query failed, when it did.
    pub schema_error: Option<String>,
    /// Replicas and their lag; `None` where the role may not see them.
    pub replicas: Option<Vec<Replica>>,
    /// `max_connections`.
    pub max_connections: i64,
    /// Connections in use.
    pub connections: i64,
    /// The server's own words when it had no connection left for the application.
    pub exhausted: Option<String>,
    /// What the application's role may do.
    pub role: Option<DatabaseRole>,
    /// Parameters by name.
    pub settings: BTreeMap<String, Setting>,
    /// How tables and log are kept.
    pub upkeep: Option<Upkeep>,
    /// Who is connected.
    pub activity: Option<Activity>,
    /// Who keeps its sessions, and who holds what others wait for.
    pub contention: Option<Contention>,
    /// What keeps its write-ahead log on the volume.
    pub write_ahead_log: Option<WriteAheadLog>,
    /// The application's pool.
    pub pool: Option<Pool>,
    /// What stands between it and the application.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pooler: Option<Pooler>,
    /// What could not be asked, by part (`role`, `settings`, `upkeep`, `activity`,
    /// `contention`, `writeAheadLog`, `monitor`), and why.
    pub untold: BTreeMap<String, String>,
}

/// The version of a database's schema.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SchemaVersion {
    /// Version.
    pub version: i64,
    /// A migration began and did not end.
    pub dirty: bool,
}

/// A replica of PostgreSQL.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Replica {
    /// `application_name`.
    pub name: String,
    /// `streaming` when well.
    pub state: String,
    /// Replay lag in seconds.
    pub lag_seconds: Option<f64>,
    /// Bytes of log that it has not replayed.
    pub lag_bytes: Option<i64>,
}

/// What a session to Redis tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Redis {
    /// The object it was read from, such as `pod/redis-0`.
    pub object: String,
    /// How it was reached.
    pub path: Path,
    /// The application's credentials.
    pub login: Login,
    /// The answer to PING.
    pub ping: String,
    /// Fields of INFO by name.
    pub info: BTreeMap<String, String>,
    /// Some parameters of `CONFIG GET` by name.
    pub config: BTreeMap<String, String>,
    /// Who may do what; `None` when it was not asked.
    pub access: Option<RedisAccess>,
    /// Reads of the keyspace at the beginning and at the end of the session.
    pub reads: Vec<KeyspaceReads>,
    /// The newest entries of the slow log.
    pub slow: Vec<SlowCommand>,
    /// What each Sentinel says; empty when none is declared.
    pub sentinels: Vec<Sentinel>,
    /// The other servers under Sentinel, any of which may be the next master: their state and parameters.
    pub followers: Vec<Self>,
    /// What could not be asked, by part (`config`, `session`), and why.
    pub untold: BTreeMap<String, String>,
}

impl Redis {
    /// Why no session was made, when the Sentinels name no server for one or it could not be reached.
    pub fn unasked(&self) -> Option<&str> {
        self.untold.get("session").map(String::as_str)
    }

    /// It and its followers: what must hold for a server must hold for the next master too.
    pub fn servers(&self) -> impl Iterator<Item = &Self> {
        std::iter::once(self).chain(&self.followers)
    }
}

/// What a public host answers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Host {
    /// Host name.
    pub host: String,
    /// Where it was connected to: `HOST:PORT`.
    pub connected_to: String,
    /// Why the handshake failed, when it did.
    pub error: Option<String>,
    /// Certificates as served, leaf first.
    pub served: Vec<Certificate>,
    /// Why the chain is not trusted, when it is not: by the system's and the declared authorities.
    pub untrusted: Option<String>,
    /// Negotiated version: `TLSv1.2`, `TLSv1.3`.
    pub protocol: String,
    /// Negotiated suite.
    pub cipher_suite: String,
    /// Old versions that the host still accepts, such as `TLSv1.1`; `None` when that could not be tried.
    pub old_protocols: Option<Vec<String>>,
    /// Weak suites that the host still accepts (no forward secrecy, CBC, RC4, 3DES, NULL, EXPORT); `None` when that could not be tried.
    pub weak_suites: Option<Vec<String>>,
    /// Status of a GET over HTTPS.
    pub https_status: Option<u16>,
    /// `Strict-Transport-Security`.
    pub hsts: Option<String>,
    /// Status of a GET over plain HTTP.
    pub http_status: Option<u16>,
    /// `Location` of the answer over plain HTTP.
    pub http_location: Option<String>,
    /// Why plain HTTP did not answer, when it did not.
    pub http_error: Option<String>,
}

/// The answer of one health path of one pod.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HealthAnswer {
    /// Pod.
    pub pod: String,
    /// Path.
    pub path: String,
    /// Status; `None` when it did not answer.
    pub status: Option<u16>,
    /// Milliseconds it took.
    pub milliseconds: u64,
    /// Why it did not answer.
    pub error: Option<String>,
    /// The beginning of an answer that is not 200; hostile, capped.
    pub body: String,
}

/// What Prometheus tells.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Prometheus {
    /// The object it was read from, such as `service/prometheus-service`.
    pub object: String,
    /// Active targets.
    pub targets: Vec<Target>,
    /// Number of current series for each declared name.
    pub series: BTreeMap<String, u64>,
    /// Share of periods in which a container was throttled over the window, by `POD/CONTAINER`; `None` when Prometheus
    /// has no such series.
    pub throttled: Option<BTreeMap<String, f64>>,
    /// Loaded rules; `None` where the server tells nothing of them.
    pub rules: Option<Vec<Rule>>,
    /// What the exporters of the database and the cache told.
    pub exporters: Exporters,
    /// The application's requests; `None` in recordings from before they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub traffic: Option<Traffic>,
    /// Those who watch with it; `None` in recordings of before they were asked for.
    pub watchers: Option<Watchers>,
}

/// A scrape target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Target {
    /// Label `job`.
    pub job: String,
    /// Label `instance`.
    pub instance: String,
    /// `up`, `down`, `unknown`.
    pub health: String,
    /// Last scrape.
    pub last_scrape: Option<Timestamp>,
    /// Last error.
    pub last_error: String,
}

/// A stored result of an active probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProbeResult {
    /// Item that it is evidence for.
    pub item: String,
    /// When it was done.
    pub at: Option<Timestamp>,
    /// Whether it proved what the item asks.
    pub passed: bool,
    /// What was seen.
    pub detail: String,
    /// Measured or compared values by name.
    pub values: BTreeMap<String, String>,
}

/// A revision in Helm's store.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Revision {
    /// Release.
    pub name: String,
    /// Number.
    pub revision: i64,
    /// `deployed`, `failed`, `superseded`, `pending-upgrade`, …
    pub status: String,
    /// Helm's description.
    pub description: String,
    /// Chart name and version.
    pub chart: String,
    /// Version of the application.
    pub app_version: String,
    /// When it was written last.
    pub updated: Option<Timestamp>,
}
