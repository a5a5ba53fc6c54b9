//! Collecting: the only I/O that reading does. Every source that units declared is read once, all of them at the
//! same time, under one budget of time and requests, and what arrives is reduced before it is kept.

mod access;
mod api_server;
mod caller;
#[cfg(test)]
mod canary_tests;
mod cluster;
mod cost;
mod disguise;
mod encoded_objects;
mod environment;
mod expectations;
mod exposure;
mod grafana;
mod grants;
mod health;
mod hosts;
mod http_call;
mod list;
#[cfg(test)]
mod live;
mod logs;
mod mask;
#[cfg(test)]
mod mock;
mod named;
mod needles;
mod objects;
mod old_tls;
#[cfg(test)]
mod permission_tests;
mod pods;
mod postgresql;
mod probes;
mod prometheus;
mod reach;
mod redis;
mod releases;
mod resolution;
mod statements;
#[cfg(test)]
mod tests;
mod tls;
mod traffic;
mod trouble;
mod tunnel;
mod vault;
mod watch;

use std::{collections::BTreeSet, time::Duration};

use jiff::Timestamp;
use kube::Config;

pub(crate) use self::mask::Mask;
use self::{api_server::ApiServer, list::Listing, trouble::Trouble};
use super::{Reading, Readings, Snapshot, Source, Unreadable, Why};
use crate::{Boxed, Error, values::Expectations};

pub use cost::Cost;
pub use kube::Client;
pub use watch::Watcher;

pub(crate) use self::{
    api_server::chain,
    environment::{Credentials, Environment, Words},
    http_call::get,
    tls::{Observer, authorities},
    tunnel::{Stream, connect_error},
};

/// What to read, of which cluster, and within what bounds.
#[derive(Debug, Clone)]
pub struct Request {
    /// The release's namespace.
    pub namespace: String,
    /// The sources that units declared; what they in turn require is added.
    pub sources: BTreeSet<Source>,
    /// Context of the kubeconfig, for the record and for messages.
    pub context: String,
    /// URL of the API server, for the record and for messages.
    pub server: String,
    /// Bounds of the run.
    pub limits: Limits,
    /// Expectations from `--config`, instead of those in the cluster.
    pub config: Option<Expectations>,
}

/// Bounds of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Longest time for everything together.
    pub deadline: Duration,
    /// Most requests to the API server.
    pub max_requests: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            max_requests: 500,
        }
    }
}

/// A client for collecting. It leaves retries to the collector, which knows the run's deadline.
///
/// # Errors
/// When the kubeconfig's credentials cannot be used.
pub fn client(mut config: Config) -> Result<Client, Error> {
    let server = config.cluster_url.to_string();
    config.default_retry = false;
    Client::try_from(config).map_err(|error| match Trouble::unreachable(&server, "", &error) {
        Trouble::Fatal(error) => error,
        _ => Error::could_not("could not use the kubeconfig"),
    })
}

/// Reads a cluster.
///
/// # Errors
/// When nothing can be read at all: the cluster is out of reach, does not answer, or refuses the credentials.
/// Anything less is noted in the Snapshot, source by source.
pub fn collect(client: Client, request: Request) -> Boxed<'static, Snapshot> {
    collect_again(client, request, Readings::default())
}

/// Reads the requested sources anew, with those that they cannot be read without; everything else is what was known.
///
/// # Errors
/// As [`collect`].
pub fn collect_again(client: Client, request: Request, known: Readings) -> Boxed<'static, Snapshot> {
    Box::pin(async move {
        let meter = cost::Meter::start();
        let taken_at = Timestamp::now();
        let run = Run {
            api: ApiServer::new(client, &request.server, &request.context, request.limits),
            wanted: wanted(&request.sources, &known),
            request,
            known,
        };
        let begun = Snapshot {
            taken_at,
            namespace: run.request.namespace.clone(),
            ..Snapshot::default()
        };
        let (cluster, mut snapshot) = futures::try_join!(run.identity(), Box::pin(run.fill(begun)))?;
        snapshot.readings.complete(&run.known);
        snapshot.readings.name_causes();
        snapshot.cluster = cluster;
        snapshot.cost = meter.stop(&run.api);
        snapshot.take_touched();
        Ok(snapshot)
    })
}

/// Asks the Prometheus of the release one question; the values that it has for it now.
///
/// # Errors
/// When there is none, it is out of reach, or it refuses the question.
pub fn ask_prometheus(client: Client, mut request: Request, query: String) -> Boxed<'static, Vec<f64>> {
    Box::pin(async move {
        request.sources = [Source::Services, Source::Pods, Source::Expectations].into();
        let snapshot = collect(client.clone(), request.clone()).await?;
        let run = Run {
            api: ApiServer::new(client, &request.server, &request.context, request.limits),
            wanted: BTreeSet::new(),
            request,
            known: Readings::default(),
        };
        run.question(&snapshot, &query).await.map_err(|trouble| {
            let could_not = Error::could_not("Prometheus could not be asked");
            match trouble {
                Trouble::Fatal(error) => error,
                Trouble::Unreadable(why) => {
                    could_not.because(Unreadable::new(Source::Prometheus, run.namespace(), why).to_string())
                }
                Trouble::Cut(message) => could_not.because(message),
                Trouble::Absent | Trouble::Expired => could_not.because("it is not there"),
            }
        })
    })
}

/// What must be read: what was asked for, and what it requires as far as it is not known. Values of secrets are kept
/// nowhere, so that sessions need them anew, and so does the mask over whatever text arrives.
fn wanted(sources: &BTreeSet<Source>, known: &Readings) -> BTreeSet<Source> {
    let is_kept = |source: &Source| !matches!(source, Source::Secrets | Source::ConfigMaps);
    let masked_by = [Source::Secrets, Source::ConfigMaps]
        .into_iter()
        .filter(|source| known.was_read(*source));
    closure(sources)
        .into_iter()
        .filter(|source| sources.contains(source) || !(known.was_read(*source) && is_kept(source)))
        .chain(masked_by)
        .collect()
}

/// The sources with everything that they require.
pub fn closure(sources: &BTreeSet<Source>) -> BTreeSet<Source> {
    let mut closed = BTreeSet::new();
    let mut open: Vec<Source> = sources.iter().copied().collect();
    while let Some(source) = open.pop() {
        if closed.insert(source) {
            open.extend(source.requires());
        }
    }
    closed
}

/// One run of the collector.
struct Run {
    api: ApiServer,
    request: Request,
    wanted: BTreeSet<Source>,
    known: Readings,
}

impl Run {
    fn namespace(&self) -> &str {
        &self.request.namespace
    }

    /// What became of a source, unless the trouble is everybody's. Boxed: dozens side by side would not fit on a stack.
    fn source<'a, T: 'a>(
        &'a self,
        source: Source,
        read: impl Future<Output = Result<T, Trouble>> + 'a,
    ) -> Boxed<'a, Reading<T>> {
        Box::pin(async move {
            if !self.wanted.contains(&source) {
                return Ok(Reading::NotRead);
            }
            let why = match read.await {
                Ok(value) => return Ok(Reading::Read(value)),
                Err(Trouble::Fatal(error)) => return Err(error),
                Err(Trouble::Unreadable(why)) => why,
                Err(Trouble::Absent) => Why::ApiAbsent,
                Err(Trouble::Expired) => Why::Failed("the server says that it is gone".into()),
                Err(Trouble::Cut(message)) => Why::Failed(message),
            };
            Ok(Reading::Unreadable(Unreadable::new(source, self.namespace(), why)))
        })
    }
}

macro_rules! lists {
    ($($source:ident => $field:ident;)*) => {
        impl Run {
            /// Everything that needs nothing else to be read first.
            async fn independent(&self) -> Result<Readings, Error> {
                let (
                    ($($field,)*),
                    pods, (role_bindings, cluster_role_bindings),
                    version, readiness, own_namespace, certificates, certificate_requests, orders, challenges, events,
                    expectations, releases, probes, statements, imports
                ) = futures::try_join!(
                    async { futures::try_join!($(self.source(
                        Source::$source,
                        async { self.api.list(&Listing::of(Source::$source, self.namespace()), Some).await },
                    )),*) },
                    self.source(Source::Pods, self.pods()),
                    self.bindings(),
                    self.source(Source::Version, self.version()),
                    self.source(Source::Readiness, self.readiness()),
                    self.source(Source::Namespace, self.own_namespace()),
                    self.source(Source::Certificates, self.of_cert_manager(Source::Certificates)),
                    self.source(Source::CertificateRequests, self.of_cert_manager(Source::CertificateRequests)),
                    self.source(Source::Orders, self.of_cert_manager(Source::Orders)),
                    self.source(Source::Challenges, self.of_cert_manager(Source::Challenges)),
                    self.source(Source::Events, self.events()),
                    self.source(Source::Expectations, self.expectations()),
                    self.source(Source::Releases, self.releases()),
                    self.source(Source::Probes, self.probes()),
                    self.source(Source::Statements, self.statements()),
                    self.source(Source::Imports, self.imports()),
                )?;
                Ok(Readings {
                    $($field,)*
                    pods, role_bindings, cluster_role_bindings, version, readiness, own_namespace, certificates,
                    certificate_requests, orders, challenges, events, expectations, releases, probes, statements, imports,
                    ..Readings::default()
                })
            }
        }
    };
}

lists! {
    ApiServices => api_services;
    Nodes => nodes;
    PodMetrics => pod_metrics;
    NodeLeases => node_leases;
    ResourceQuotas => resource_quotas;
    LimitRanges => limit_ranges;
    ServiceAccounts => service_accounts;
    ReplicaSets => replica_sets;
    Deployments => deployments;
    StatefulSets => stateful_sets;
    DaemonSets => daemon_sets;
    Jobs => jobs;
    CronJobs => cron_jobs;
    HorizontalPodAutoscalers => horizontal_pod_autoscalers;
    PodDisruptionBudgets => pod_disruption_budgets;
    Services => services;
    EndpointSlices => endpoint_slices;
    Ingresses => ingresses;
    IngressClasses => ingress_classes;
    NetworkPolicies => network_policies;
    Namespaces => namespaces;
    Roles => roles;
    ClusterRoles => cluster_roles;
    VulnerabilityReports => vulnerability_reports;
    StorageClasses => storage_classes;
    PersistentVolumeClaims => persistent_volume_claims;
}

impl Run {
    /// Reads everything. The pods of other namespaces may be thousands, and nothing else waits for them.
    async fn fill(&self, begun: Snapshot) -> Result<Snapshot, Error> {
        let (cluster_pods, mut snapshot) = futures::try_join!(
            self.source(Source::ClusterPods, self.strangers()),
            Box::pin(self.fill_in_order(begun)),
        )?;
        if self.wanted.contains(&Source::ClusterPods) {
            snapshot.readings.cluster_pods = cluster_pods;
        }
        Ok(snapshot)
    }

    /// Reads everything else, in the order in which one thing needs another.
    async fn fill_in_order(&self, mut snapshot: Snapshot) -> Result<Snapshot, Error> {
        snapshot.readings = Box::pin(self.independent()).await?;
        snapshot.readings.complete(&self.known);
        grants::keep_what_is_bound(&mut snapshot.readings);
        // Hosts, health and Prometheus need no secret; the other sessions do, and logs, so that secrets can be masked.
        let secretive = async {
            let (secrets, config_maps, vault) = self.named(&snapshot.readings).await?;
            let mask = Mask::of(&vault);
            let sessions = futures::try_join!(
                self.source(Source::Postgresql, self.postgresql(&snapshot, &vault)),
                self.source(Source::Redis, self.redis(&snapshot, &vault)),
                self.source(Source::Logs, self.logs(&snapshot, &mask)),
                self.source(Source::Exposure, self.exposure(&snapshot, &vault)),
                self.source(Source::Grafana, self.grafana(&snapshot, &vault)),
            )?;
            Ok((secrets, config_maps, mask, sessions))
        };
        let access = async {
            futures::try_join!(
                self.source(Source::AccessReviews, self.access_reviews(&snapshot)),
                self.source(Source::Resolution, self.resolution(&snapshot)),
            )
        };
        let ((secrets, config_maps, mask, sessions), (access_reviews, resolution), hosts, health, prometheus) = futures::try_join!(
            Box::pin(secretive),
            Box::pin(access),
            self.source(Source::Hosts, self.hosts(&snapshot)),
            self.source(Source::Health, self.health(&snapshot)),
            self.source(Source::Prometheus, self.prometheus(&snapshot)),
        )?;
        let (postgresql, redis, logs, exposure, grafana) = sessions;
        snapshot.readings = Readings {
            secrets,
            config_maps,
            logs,
            exposure,
            postgresql,
            redis,
            access_reviews,
            resolution,
            hosts,
            health,
            prometheus,
            grafana,
            ..snapshot.readings
        };
        mask.cover(&mut snapshot.readings);
        Ok(snapshot)
    }
}
