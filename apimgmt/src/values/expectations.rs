//! The `checklist:` values: what items measure against. The chart stores them in the release's namespace.

mod apm;
mod backup;
mod cache;
mod calls;
mod cluster;
mod compliance;
mod database;
mod exposure;
mod health;
mod hosts;
mod images;
mod logs;
mod monitoring;
mod network;
mod performance;
mod permissions;
mod pool;
mod privileges;
mod sentinel;
mod span;
mod traffic;
mod waiver;
mod watch;

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use apm::ExpectedApm;
pub use backup::ExpectedBackup;
pub use cache::ExpectedCache;
pub use calls::*;
pub use cluster::{ExpectedClass, ExpectedNodes, ExpectedStorage, VersionWindow};
pub use compliance::ExpectedCompliance;
pub use database::ExpectedDatabase;
pub use exposure::{ExpectedExposure, ExposedService};
pub use health::{ExpectedHealth, HealthPath};
pub use hosts::{ExpectedHost, ExpectedTls, Renewal};
pub use images::ExpectedImages;
pub use logs::ExpectedLogs;
pub use monitoring::{ExpectedMonitoring, ExpectedTarget, ServiceAddress};
pub use network::{DeclaredEdge, ExpectedNetwork};
pub use performance::ExpectedPerformance;
pub use permissions::Permission;
pub use pool::ExpectedPool;
pub use privileges::ExpectedPrivileges;
pub use sentinel::ExpectedSentinel;
pub use span::Span;
pub use traffic::{ExpectedThroughput, ExpectedTraffic};
pub use waiver::Waiver;
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
