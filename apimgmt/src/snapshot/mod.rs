//! What was read of a cluster: one consistent, secret-free value that every item and diagnosis judges.

pub mod cert_manager;
pub mod cluster;
pub mod collect;
pub mod disruption_budgets;
pub mod events;
pub(crate) mod hostile;
mod literal;
pub mod metadata;
pub mod namespaces;
pub mod network_policies;
pub mod objects;
pub mod permission;
mod pod_specs;
pub mod pods;
mod public_hosts;
mod quantity;
pub mod rbac;
mod recording;
pub(crate) mod reduce;
pub mod roles;
pub mod scans;
mod selectors;
pub mod sensitive;
pub mod services;
pub mod sessions;
pub mod shared;
mod source;
pub mod storage;
pub mod strangers;
mod uid;
mod unreadable;
pub mod workloads;

use std::sync::atomic::{AtomicU64, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

pub(crate) use collect::Mask;
pub use literal::Literal;
pub(crate) use literal::names_a_secret;
pub use metadata::{LabelSelector, Labels, Metadata};
pub use pod_specs::{PROBE_RUN, Specified};
pub use pods::{Condition, Pod, PodSpec, PodTemplate, Port, condition};
pub use quantity::Quantity;
pub use selectors::Selectors;
pub use shared::{Shared, Text};
pub use source::{Access, Scope, Source};
pub use uid::Uid;
pub use unreadable::{Unreadable, Why};

use crate::values::Expectations;

/// Which cluster was read, and through which door.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClusterIdentity {
    /// URL of the API server.
    pub server: String,
    /// Version of the API server, empty when it could not be read.
    pub version: String,
    /// Context of the kubeconfig.
    pub context: String,
    /// Unique id of the namespace `kube-system`, which names a cluster for its whole life; empty when unreadable.
    pub uid: String,
}

/// The outcome of reading one source.
#[derive(Debug, Clone, Default, PartialEq)]
pub enum Reading<T> {
    /// Nobody asked for it.
    #[default]
    NotRead,
    /// What was there; an empty list read with full permission is a fact.
    Read(T),
    /// It could not be read, which is not the same as absent.
    Unreadable(Unreadable),
}

impl Readings {
    /// Where a source could not be read because another could not, it names what that other was refused: who mends that
    /// mends both.
    pub(crate) fn name_causes(&mut self) {
        for source in Source::ALL {
            let mut cause = self.unreadable(*source).cloned();
            // Requirements form no circle; the bound is for a recording that says otherwise.
            for _ in Source::ALL {
                match cause.as_ref().map(|unreadable| &unreadable.why) {
                    Some(Why::Needs(needed)) => match self.unreadable(*needed) {
                        Some(next) => cause = Some(next.clone()),
                        None => break,
                    },
                    _ => break,
                }
            }
            if let (Some(mut unreadable), Some(cause)) = (self.unreadable(*source).cloned(), cause) {
                unreadable.verb = cause.verb;
                unreadable.resource = cause.resource;
                unreadable.namespace = cause.namespace;
                self.fail(unreadable);
            }
        }
    }
}

impl<T> From<Result<T, Unreadable>> for Reading<T> {
    fn from(result: Result<T, Unreadable>) -> Self {
        match result {
            Ok(value) => Self::Read(value),
            Err(unreadable) => Self::Unreadable(unreadable),
        }
    }
}

/// Everything that was read in one run.
#[derive(Debug, Default)]
pub struct Snapshot {
    /// When it was taken; the only clock that judges may use.
    pub taken_at: Timestamp,
    /// The cluster.
    pub cluster: ClusterIdentity,
    /// The namespace.
    pub namespace: String,
    /// The outcomes, one for each source.
    pub readings: Readings,
    /// What reading it cost.
    pub cost: collect::Cost,
    /// Whether it comes from a recording: its report then says nothing of this run's own times.
    pub replayed: bool,
    /// Sources that judges asked for, one bit each: what a unit reads must be what it declared.
    touched: AtomicU64,
}

macro_rules! readings {
    ($($(#[$doc:meta])* $field:ident: $source:ident => $type:ty;)*) => {
        /// The outcome of reading each source.
        #[derive(Debug, Default, Clone, PartialEq)]
        pub struct Readings { $($(#[$doc])* pub $field: Reading<$type>),* }

        impl Snapshot {
            $(
                $(#[$doc])*
                ///
                /// # Errors
                /// When it could not be read.
                pub fn $field(&self) -> Result<&$type, Unreadable> {
                    self.read(Source::$source, &self.readings.$field)
                }
            )*
        }

        impl Readings {
            /// Why a source could not be read, when it could not.
            pub fn unreadable(&self, source: Source) -> Option<&Unreadable> {
                match source {
                    $(Source::$source => match &self.$field { Reading::Unreadable(why) => Some(why), _ => None },)*
                }
            }

            /// Whether a source was read.
            pub fn was_read(&self, source: Source) -> bool {
                match source { $(Source::$source => matches!(self.$field, Reading::Read(_)),)* }
            }

            /// Takes what was not read from what is known.
            pub fn complete(&mut self, known: &Self) {
                $(if self.$field == Reading::NotRead { self.$field.clone_from(&known.$field); })*
            }

            /// Notes that a source could not be read.
            pub fn fail(&mut self, why: Unreadable) {
                match why.source { $(Source::$source => self.$field = Reading::Unreadable(why),)* }
            }
        }
    };
}

readings! {
    /// The server's version.
    version: Version => cluster::ServerVersion;
    /// The API server's own checks.
    readiness: Readiness => cluster::Readiness;
    /// Aggregated APIs.
    api_services: ApiServices => Vec<cluster::ApiService>;
    /// Nodes.
    nodes: Nodes => Vec<cluster::Node>;
    /// Leases of nodes.
    node_leases: NodeLeases => Vec<cluster::Lease>;
    /// Usage of containers in the namespace.
    pod_metrics: PodMetrics => Vec<cluster::PodMetrics>;
    /// The namespace; `None` when it does not exist.
    own_namespace: Namespace => Option<namespaces::Namespace>;
    /// Quotas.
    resource_quotas: ResourceQuotas => Vec<namespaces::ResourceQuota>;
    /// Default and extreme limits.
    limit_ranges: LimitRanges => Vec<namespaces::LimitRange>;
    /// Service accounts.
    service_accounts: ServiceAccounts => Vec<namespaces::ServiceAccount>;
    /// Pods of the namespace.
    pods: Pods => Vec<Pod>;
    /// Pods of every other namespace.
    cluster_pods: ClusterPods => Vec<strangers::Stranger>;
    /// Replica sets.
    replica_sets: ReplicaSets => Vec<workloads::ReplicaSet>;
    /// Deployments.
    deployments: Deployments => Vec<workloads::Deployment>;
    /// Stateful sets.
    stateful_sets: StatefulSets => Vec<workloads::StatefulSet>;
    /// Daemon sets.
    daemon_sets: DaemonSets => Vec<workloads::DaemonSet>;
    /// Jobs.
    jobs: Jobs => Vec<workloads::Job>;
    /// Cron jobs.
    /// Jobs by the clock.
    cron_jobs: CronJobs => Vec<workloads::CronJob>;
    /// Autoscalers.
    horizontal_pod_autoscalers: HorizontalPodAutoscalers => Vec<workloads::HorizontalPodAutoscaler>;
    /// Disruption budgets.
    pod_disruption_budgets: PodDisruptionBudgets => Vec<disruption_budgets::DisruptionBudget>;
    /// Services.
    services: Services => Vec<services::Service>;
    /// Endpoints behind services.
    endpoint_slices: EndpointSlices => Vec<services::EndpointSlice>;
    /// Ingresses.
    ingresses: Ingresses => Vec<services::Ingress>;
    /// Ingress classes.
    ingress_classes: IngressClasses => Vec<services::IngressClass>;
    /// Network policies.
    network_policies: NetworkPolicies => Vec<network_policies::NetworkPolicy>;
    /// Every namespace, with its labels.
    namespaces: Namespaces => Vec<namespaces::Namespace>;
    /// Roles that are bound to accounts of the namespace.
    roles: Roles => Vec<rbac::Role>;
    /// Bindings to accounts of the namespace, in every namespace.
    role_bindings: RoleBindings => Vec<rbac::Binding>;
    /// Cluster roles that are bound to accounts of the namespace.
    cluster_roles: ClusterRoles => Vec<rbac::Role>;
    /// Bindings over the whole cluster to accounts of the namespace.
    cluster_role_bindings: ClusterRoleBindings => Vec<rbac::Binding>;
    /// Scans of images.
    vulnerability_reports: VulnerabilityReports => Vec<scans::VulnerabilityReport>;
    /// Storage classes.
    storage_classes: StorageClasses => Vec<storage::StorageClass>;
    /// Volume claims.
    persistent_volume_claims: PersistentVolumeClaims => Vec<storage::PersistentVolumeClaim>;
    /// Facts of the secrets that pods and ingresses name; one that is missing here does not exist.
    secrets: Secrets => Vec<sensitive::Sensitive>;
    /// Facts of the config maps that pods name; one that is missing here does not exist.
    config_maps: ConfigMaps => Vec<sensitive::Sensitive>;
    /// Certificates of cert-manager; empty where it is not installed.
    certificates: Certificates => Vec<cert_manager::CertificateResource>;
    /// Requests of cert-manager for certificates; empty where it is not installed.
    certificate_requests: CertificateRequests => Vec<cert_manager::CertificateRequest>;
    /// Orders of cert-manager at ACME servers; empty where it is not installed.
    orders: Orders => Vec<cert_manager::AcmeStep>;
    /// Challenges of those orders; empty where it is not installed.
    challenges: Challenges => Vec<cert_manager::AcmeStep>;
    /// Events.
    events: Events => Vec<events::Event>;
    /// Last lines of containers that are not well.
    logs: Logs => Vec<events::LogTail>;
    /// Where values of secrets were found.
    exposure: Exposure => sessions::Exposure;
    /// What is expected of this release.
    expectations: Expectations => Expectations;
    /// Helm's revisions, newest first; empty when Helm did not install what is there.
    releases: Releases => Vec<sessions::Revision>;
    /// The database; `None` when no workload plays it and none is declared.
    postgresql: Postgresql => Option<sessions::Postgresql>;
    /// The cache; `None` when no workload plays it and none is declared.
    redis: Redis => Option<sessions::Redis>;
    /// What the authorizer answered.
    access_reviews: AccessReviews => Vec<sessions::AccessReview>;
    /// What the names of the public hosts resolve to from here.
    resolution: Resolution => Vec<sessions::Resolution>;
    /// Public hosts.
    hosts: Hosts => Vec<sessions::Host>;
    /// Answers of health paths.
    health: Health => Vec<sessions::HealthAnswer>;
    /// Prometheus; `None` when there is none.
    prometheus: Prometheus => Option<sessions::Prometheus>;
    /// Grafana; `None` when there is none.
    grafana: Grafana => Option<sessions::Grafana>;
    /// Stored results of active probes.
    probes: Probes => Vec<sessions::ProbeResult>;
    /// Attestations and waivers.
    statements: Statements => Vec<sessions::Statement>;
    /// Imported reports of scanners.
    imports: Imports => Vec<sessions::Import>;
}

impl Snapshot {
    fn read<'a, T>(&self, source: Source, reading: &'a Reading<T>) -> Result<&'a T, Unreadable> {
        self.touched.fetch_or(1 << source as u64, Ordering::Relaxed);
        match reading {
            Reading::Read(value) => Ok(value),
            Reading::Unreadable(why) => Err(why.clone()),
            Reading::NotRead => Err(Unreadable::new(source, &self.namespace, Why::NotCollected)),
        }
    }

    /// The sources asked for since the last call: how a test compares what a unit reads with what it declared.
    pub fn take_touched(&self) -> Vec<Source> {
        let bits = self.touched.swap(0, Ordering::Relaxed);
        Source::ALL
            .iter()
            .copied()
            .filter(|source| bits & (1 << *source as u64) != 0)
            .collect()
    }

    /// The pods whose controller chain ends at a workload: directly, or through a replica set of a deployment.
    pub fn pods_of<'a>(pods: &'a [Pod], selector: &'a LabelSelector) -> impl Iterator<Item = &'a Pod> {
        pods.iter().filter(|pod| selector.matches(&pod.metadata.labels))
    }
}

/// Reads a list that the API server writes as `null` when empty.
pub(crate) fn null_is_empty<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let mut list: Vec<T> = Option::deserialize(deserializer)?.unwrap_or_default();
    list.shrink_to_fit();
    Ok(list)
}

/// Reads a list that thousands of objects have, without the room to grow that reading leaves.
pub(crate) fn exact<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    let mut list = Vec::deserialize(deserializer)?;
    list.shrink_to_fit();
    Ok(list)
}
