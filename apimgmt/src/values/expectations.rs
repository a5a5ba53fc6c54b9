//! The `checklist:` values: what items measure against. The chart stores them in the release's namespace.

mod apm;
mod backup;
mod calls;
mod compliance;
mod exposure;
mod images;
mod logs;
mod network;
mod permissions;
mod pool;
mod privileges;
mod sentinel;
mod traffic;
mod watch;

use std::{collections::BTreeMap, str::FromStr, time::Duration};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub use apm::ExpectedApm;
pub use backup::ExpectedBackup;
pub use calls::*;
pub use compliance::ExpectedCompliance;
pub use exposure::{ExpectedExposure, ExposedService};
pub use images::ExpectedImages;
pub use logs::ExpectedLogs;
pub use network::{DeclaredEdge, ExpectedNetwork};
pub use permissions::Permission;
pub use pool::ExpectedPool;
pub use privileges::ExpectedPrivileges;
pub use sentinel::ExpectedSentinel;
pub use traffic::{ExpectedThroughput, ExpectedTraffic};
pub use watch::{AlertReceiver, ExpectedAlerts, ExpectedSynthetic};

/// What is expected of a release. Every part has the default that the chart has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Expectations {
    /// Public hosts.
    pub hosts: Vec<ExpectedHost>,
    /// Supported window of the cluster's version.
    pub kubernetes: VersionWindow,
    /// Nodes.
    pub nodes: ExpectedNodes,
    /// Largest clock skew of a node.
    pub clock_skew: Span,
    /// Storage.
    pub storage: ExpectedStorage,
    /// TLS of the public hosts.
    pub tls: ExpectedTls,
    /// Health paths of the application.
    pub health: ExpectedHealth,
    /// The database.
    pub database: ExpectedDatabase,
    /// The cache.
    pub cache: ExpectedCache,
    /// Backups of the database.
    pub backup: ExpectedBackup,
    /// Performance.
    pub performance: ExpectedPerformance,
    /// Throughput.
    pub throughput: ExpectedThroughput,
    /// Core calls.
    pub api: ExpectedApi,
    /// Routing.
    pub gateway: ExpectedGateway,
    /// Tokens.
    pub authentication: ExpectedAuthentication,
    /// Permissions of roles and service accounts.
    pub authorization: ExpectedAuthorization,
    /// Protected routes.
    pub access_control: ExpectedAccessControl,
    /// File transfer.
    pub files: ExpectedFiles,
    /// The load probe.
    pub load: ExpectedLoad,
    /// Monitoring.
    pub monitoring: ExpectedMonitoring,
    /// Alerts.
    pub alerts: ExpectedAlerts,
    /// The check from outside.
    pub synthetic: ExpectedSynthetic,
    /// Where the application's lines must be found.
    pub logs: ExpectedLogs,
    /// Where the application's traces must be found.
    pub apm: ExpectedApm,
    /// Where the roles of the platform are played, when labels do not tell.
    pub roles: BTreeMap<String, String>,
    /// Images and their scans.
    pub images: ExpectedImages,
    /// Results of benchmarks that must be imported.
    pub compliance: ExpectedCompliance,
    /// What service accounts need of the API server, by account; one that is not named needs nothing.
    pub permissions: BTreeMap<String, Vec<Permission>>,
    /// Connections that are needed, and those that must be closed, beside those that follow from the roles.
    pub network: ExpectedNetwork,
    /// What may be reached from outside of the cluster.
    pub exposure: ExpectedExposure,
    /// Hosts outside of the namespace that DSNs may lead to.
    pub external_hosts: Vec<String>,
    /// Oldest probe result that counts.
    pub probe_max_age: Span,
    /// Items that are set aside, by whom and until when.
    pub waivers: Vec<Waiver>,
    /// Parts that items of later sections read.
    #[serde(flatten)]
    pub further: BTreeMap<String, Value>,
}

impl Default for Expectations {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            kubernetes: VersionWindow::default(),
            nodes: ExpectedNodes::default(),
            clock_skew: Span(Duration::from_secs(5)),
            storage: ExpectedStorage::default(),
            tls: ExpectedTls::default(),
            health: ExpectedHealth::default(),
            database: ExpectedDatabase::default(),
            cache: ExpectedCache::default(),
            backup: ExpectedBackup::default(),
            performance: ExpectedPerformance::default(),
            throughput: ExpectedThroughput::default(),
            api: ExpectedApi::default(),
            gateway: ExpectedGateway::default(),
            authentication: ExpectedAuthentication::default(),
            authorization: ExpectedAuthorization::default(),
            access_control: ExpectedAccessControl::default(),
            files: ExpectedFiles::default(),
            load: ExpectedLoad::default(),
            monitoring: ExpectedMonitoring::default(),
            alerts: ExpectedAlerts::default(),
            synthetic: ExpectedSynthetic::default(),
            logs: ExpectedLogs::default(),
            apm: ExpectedApm::default(),
            roles: BTreeMap::new(),
            images: ExpectedImages::default(),
            compliance: ExpectedCompliance::default(),
            permissions: BTreeMap::new(),
            network: ExpectedNetwork::default(),
            exposure: ExpectedExposure::default(),
            external_hosts: Vec::new(),
            probe_max_age: Span(Duration::from_hours(24)),
            waivers: Vec::new(),
            further: BTreeMap::new(),
        }
    }
}

impl Expectations {
    /// Reads the `checklist:` part of a values file, or a file that holds just that part.
    ///
    /// # Errors
    /// When it is not YAML of that shape; the error names the line.
    pub fn from_values(text: &str) -> Result<Self, serde_yaml::Error> {
        #[derive(Deserialize)]
        struct Values {
            checklist: Expectations,
        }
        let whole: Value = serde_yaml::from_str(text)?;
        if whole.get("checklist").is_some() {
            return Ok(serde_yaml::from_str::<Values>(text)?.checklist);
        }
        serde_yaml::from_str(text)
    }
}

/// A public host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedHost {
    /// Name.
    pub host: String,
    /// Where to connect instead, `HOST:PORT` for HTTPS, as curl's `--connect-to`; empty for the name itself.
    pub connect_to: String,
    /// The same for plain HTTP.
    pub connect_to_http: String,
    /// From where the name must resolve: `here`, `cluster`.
    pub vantage_points: Vec<String>,
}

impl Default for ExpectedHost {
    fn default() -> Self {
        Self {
            host: String::new(),
            connect_to: String::new(),
            connect_to_http: String::new(),
            vantage_points: vec!["here".into(), "cluster".into()],
        }
    }
}

/// A window of versions, both ends included.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct VersionWindow {
    /// Oldest, `MAJOR.MINOR`.
    pub minimum: String,
    /// Newest, `MAJOR.MINOR`.
    pub maximum: String,
}

impl Default for VersionWindow {
    fn default() -> Self {
        Self {
            minimum: "1.33".into(),
            maximum: "1.37".into(),
        }
    }
}

/// What is expected of the nodes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedNodes {
    /// How many of the largest nodes may be lost with everything still fitting.
    pub tolerate_loss: usize,
}

impl Default for ExpectedNodes {
    fn default() -> Self {
        Self { tolerate_loss: 1 }
    }
}

/// What is expected of storage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedStorage {
    /// Classes with their properties.
    pub classes: Vec<ExpectedClass>,
    /// Slowest 99th percentile of an fsync.
    pub fsync_p99: Option<Span>,
}

/// What is expected of one storage class; absent properties may be anything.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedClass {
    /// Name.
    pub name: String,
    /// Claims may grow.
    pub allow_volume_expansion: Option<bool>,
    /// `Delete` or `Retain`.
    pub reclaim_policy: Option<String>,
}

/// What is expected of TLS.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedTls {
    /// Authorities trusted beside the system's, PEM.
    pub ca_bundle: String,
    /// Oldest version, `1.2` or `1.3`.
    pub minimum_version: String,
    /// `Strict-Transport-Security` is sent.
    pub hsts: bool,
    /// Plain HTTP redirects.
    pub redirect_http: bool,
    /// How certificates are renewed where cert-manager does not.
    pub renewal: Renewal,
}

impl Default for ExpectedTls {
    fn default() -> Self {
        Self {
            ca_bundle: String::new(),
            minimum_version: "1.2".into(),
            hsts: true,
            redirect_http: true,
            renewal: Renewal::default(),
        }
    }
}

/// A declared way of renewal.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Renewal {
    /// What renews: `acme on the load balancer`.
    pub mechanism: String,
    /// Where that can be seen.
    pub evidence: String,
}

/// What is expected of the application's health.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedHealth {
    /// Port of the pods.
    pub port: u16,
    /// Paths.
    pub paths: Vec<HealthPath>,
}

impl Default for ExpectedHealth {
    fn default() -> Self {
        let path = |path: &str, seconds| HealthPath {
            path: path.into(),
            within: Span(Duration::from_secs(seconds)),
        };
        Self {
            port: 8080,
            paths: vec![path("/health/live", 1), path("/health/ready", 1), path("/health", 2)],
        }
    }
}

/// A health path.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HealthPath {
    /// Path.
    pub path: String,
    /// Longest time for an answer.
    #[serde(default = "HealthPath::default_limit")]
    pub within: Span,
}

impl HealthPath {
    fn default_limit() -> Span {
        Span(Duration::from_secs(1))
    }
}

/// What is expected of the database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedDatabase {
    /// Name.
    pub name: String,
    /// Oldest major version.
    pub minimum_version: u32,
    /// Newest major version.
    pub maximum_version: u32,
    /// Largest lag of a replica.
    pub maximum_lag: Span,
    /// Replicas that must stream.
    pub replicas: usize,
    /// Encoding.
    pub encoding: String,
    /// Query that gives `version, dirty` of the schema.
    pub schema_query: String,
    /// Secret with `username` and `password` of the role that reads the server's statistics.
    pub monitor_secret: String,
    /// What the application's role must be able to do.
    pub privileges: ExpectedPrivileges,
    /// The application's pools of connections.
    pub pool: ExpectedPool,
    /// Memory of a server whose container is not seen here, as a quantity.
    pub memory: String,
    /// Job of the exporter in Prometheus.
    pub exporter_job: String,
    /// Alerts that must be loaded: connections, replication, disk.
    pub alerts: Vec<String>,
}

impl Default for ExpectedDatabase {
    fn default() -> Self {
        Self {
            name: "integration_api_management".into(),
            minimum_version: 15,
            maximum_version: 18,
            maximum_lag: Span(Duration::from_secs(10)),
            replicas: 0,
            encoding: "UTF8".into(),
            schema_query: "select version, dirty from schema_migrations order by version desc limit 1".into(),
            monitor_secret: "postgres-monitor-secret".into(),
            privileges: ExpectedPrivileges::default(),
            pool: ExpectedPool::default(),
            memory: String::new(),
            exporter_job: "postgres-exporter".into(),
            alerts: vec![
                "PostgresConnectionsNearLimit".into(),
                "PostgresReplicationLag".into(),
                "PostgresDiskFilling".into(),
            ],
        }
    }
}

/// What is expected of the cache.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedCache {
    /// Oldest major version.
    pub minimum_version: u32,
    /// Newest major version.
    pub maximum_version: u32,
    /// `standalone`, `sentinel`, `cluster`.
    pub mode: String,
    /// Where the Sentinels are, in the mode `sentinel`.
    pub sentinel: ExpectedSentinel,
    /// How data outlives a restart: `aof`, `rdb`; empty where it need not.
    pub persistence: Vec<String>,
    /// Oldest save of changed data.
    pub maximum_save_age: Span,
    /// The policy `noeviction` is meant: writes fail when the memory is full.
    pub no_eviction: bool,
    /// Memory of a server whose container is not seen here, as a quantity.
    pub memory: String,
    /// Commands that the application's user must not be able to call.
    pub denied_commands: Vec<String>,
    /// Job of the exporter in Prometheus.
    pub exporter_job: String,
    /// Alerts that must be loaded.
    pub alerts: Vec<String>,
}

impl Default for ExpectedCache {
    fn default() -> Self {
        Self {
            minimum_version: 7,
            maximum_version: 8,
            mode: "standalone".into(),
            sentinel: ExpectedSentinel::default(),
            persistence: vec!["aof".into()],
            maximum_save_age: Span(Duration::from_hours(2)),
            no_eviction: false,
            memory: String::new(),
            // Those that destroy everything, open other ways in or stop the server: the category `dangerous` of Redis'
            // documentation (https://redis.io/docs/latest/operate/oss_and_stack/management/security/acl/).
            denied_commands: [
                "FLUSHALL",
                "FLUSHDB",
                "SWAPDB",
                "KEYS",
                "CONFIG SET",
                "ACL SETUSER",
                "DEBUG",
                "SHUTDOWN",
                "MODULE LOAD",
                "REPLICAOF",
                "SAVE",
                "MIGRATE",
                "RESTORE",
                "MONITOR",
            ]
            .map(str::to_owned)
            .into(),
            exporter_job: "redis-exporter".into(),
            alerts: vec![
                "RedisDown".into(),
                "RedisMemoryNearLimit".into(),
                "RedisPersistenceFailing".into(),
            ],
        }
    }
}

/// What is expected of performance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedPerformance {
    /// How far back restarts, kills and throttling count.
    pub window: Span,
    /// Least share of reads that the cache answers.
    pub cache_hit_rate: f64,
    /// Fewest reads of the cache between two readings that tell anything of its share of hits.
    pub minimum_cache_reads: u64,
    /// Slowest 95th percentile of the answers.
    pub p95: Span,
    /// Requests in the window below which a percentile says nothing.
    pub minimum_requests: u64,
    /// Where requests are counted.
    pub traffic: ExpectedTraffic,
    /// Parts that items of later sections read.
    #[serde(flatten)]
    pub further: BTreeMap<String, Value>,
}

impl Default for ExpectedPerformance {
    fn default() -> Self {
        Self {
            window: Span(Duration::from_hours(1)),
            cache_hit_rate: 0.9,
            minimum_cache_reads: 100,
            p95: Span(Duration::from_millis(200)),
            // With 59 samples the largest of them bounds the 95th percentile with 95 % confidence (0.95^59 < 0.05, Wilks
            // 1941); a hundred leaves five above it.
            minimum_requests: 100,
            traffic: ExpectedTraffic::default(),
            further: BTreeMap::new(),
        }
    }
}

/// What is expected of monitoring.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedMonitoring {
    /// Prometheus.
    pub prometheus: ServiceAddress,
    /// Alertmanager.
    pub alertmanager: ServiceAddress,
    /// Grafana.
    pub grafana: ServiceAddress,
    /// Targets that must be up.
    pub targets: Vec<ExpectedTarget>,
    /// Series that must be present.
    pub series: Vec<String>,
    /// Oldest last scrape.
    pub maximum_age: Span,
    /// Unique ids of the dashboards that must be there.
    pub dashboards: Vec<String>,
    /// Parts that items of later sections read.
    #[serde(flatten)]
    pub further: BTreeMap<String, Value>,
}

impl Default for ExpectedMonitoring {
    fn default() -> Self {
        let service = |name: &str, port| ServiceAddress {
            service: name.into(),
            port,
        };
        Self {
            prometheus: ServiceAddress::default(),
            alertmanager: service("alertmanager-service", 9093),
            grafana: service("grafana-service", 3000),
            targets: vec![ExpectedTarget {
                job: "api-management".into(),
            }],
            series: vec![
                "http_requests_total".into(),
                "http_request_duration_seconds_bucket".into(),
            ],
            maximum_age: Span(Duration::from_mins(2)),
            dashboards: ["apimgmt-application", "apimgmt-database", "apimgmt-cache"]
                .map(str::to_owned)
                .into(),
            further: BTreeMap::new(),
        }
    }
}

/// A service of the namespace.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ServiceAddress {
    /// Name.
    pub service: String,
    /// Port.
    pub port: u16,
}

impl Default for ServiceAddress {
    fn default() -> Self {
        Self {
            service: "prometheus-service".into(),
            port: 9090,
        }
    }
}

/// A scrape target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedTarget {
    /// Label `job`.
    pub job: String,
}

/// An item set aside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiver {
    /// Id of the item.
    pub item: String,
    /// Why.
    pub reason: String,
    /// By whom.
    pub owner: String,
    /// Until when: a time, or a day to its end (UTC); an expired waiver is a fail.
    #[serde(deserialize_with = "time_or_day")]
    pub until: Option<Timestamp>,
}

/// The chart's schema allows a day.
fn time_or_day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    let Some(text) = Option::<String>::deserialize(deserializer)? else {
        return Ok(None);
    };
    match text.parse() {
        Ok(time) => Ok(Some(time)),
        Err(error) => match text.parse::<jiff::civil::Date>() {
            Ok(day) => Ok(crate::statement::end_of(day)),
            Err(_) => Err(serde::de::Error::custom(error)),
        },
    }
}

/// A length of time, written as `90s`, `5m`, `24h`, `7d`, `200ms`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("`{text}` is not a length of time such as `90s`, `5m` or `24h`");
        let unit_at = text
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .ok_or_else(refused)?;
        let (number, unit) = text.split_at(unit_at);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(refused()),
        };
        let number: f64 = number.parse().map_err(|_| refused())?;
        Duration::try_from_secs_f64(number * seconds)
            .map(Self)
            .map_err(|_| refused())
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let milliseconds = self.0.as_millis();
        match milliseconds {
            _ if !milliseconds.is_multiple_of(1000) => write!(formatter, "{milliseconds}ms"),
            _ if milliseconds.is_multiple_of(3_600_000) && milliseconds > 0 => {
                write!(formatter, "{}h", milliseconds / 3_600_000)
            }
            _ if milliseconds.is_multiple_of(60_000) && milliseconds > 0 => {
                write!(formatter, "{}m", milliseconds / 60_000)
            }
            _ => write!(formatter, "{}s", milliseconds / 1000),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn a_length_of_time_reads_back_as_written() {
        for text in ["200ms", "90s", "5m", "24h", "0s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("7d".parse::<Span>().unwrap().to_string(), "168h");
        for wrong in ["", "5", "5 minutes", "-3s", "1e400s"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }
}
