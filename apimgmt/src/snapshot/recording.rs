//! Recordings: a Snapshot as YAML, written by `--record`, read by `--from`, and the format of every case.
//!
//! Kubernetes objects stand in `objects` as plain partial YAML; what sessions told stands in `facts` by source.
//! Without `read`, every Kubernetes source counts as read, so that a case names only what matters to it.

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use super::{ClusterIdentity, Reading, Scope, Snapshot, Source, Unreadable, Why, collect::Cost};
use crate::Error;

/// The file's shape.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Recording {
    taken_at: jiff::Timestamp,
    #[serde(default = "default_namespace")]
    namespace: String,
    #[serde(default)]
    cluster: ClusterIdentity,
    #[serde(default)]
    cost: Cost,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    read: Option<Vec<Source>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<Blind>,
    #[serde(default)]
    objects: Vec<Value>,
    #[serde(default)]
    facts: Map<String, Value>,
}

/// An unreadable source; a case may leave out what follows from the source.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Blind {
    Whole(Unreadable),
    Brief { source: Source, why: Why },
}

fn default_namespace() -> String {
    "integration-api-management".into()
}

macro_rules! listed_kinds {
    ($($kind:literal $version:literal => $field:ident: $source:ident;)*) => {
        fn sort_objects(snapshot: &mut Snapshot, objects: &[Value]) -> Result<(), Error> {
            let namespace = snapshot.namespace.clone();
            $(
                if matches!(snapshot.readings.$field, Reading::Read(_)) {
                    snapshot.readings.$field = Reading::Read(of_kind($kind, $version, Source::$source, &namespace, objects)?);
                }
            )*
            Ok(())
        }

        /// The objects of every list with the sources they were read from.
        pub(super) fn listed_objects(snapshot: &Snapshot) -> Vec<(Source, Value)> {
            let mut objects = Vec::new();
            $(
                if let Reading::Read(list) = &snapshot.readings.$field {
                    objects.extend(list.iter().map(|object| (Source::$source, with_kind($kind, $version, object))));
                }
            )*
            objects
        }

        fn begin_lists(snapshot: &mut Snapshot, was_read: &dyn Fn(Source) -> bool) {
            $(if was_read(Source::$source) { snapshot.readings.$field = Reading::Read(Vec::new()); })*
        }
    };
}

listed_kinds! {
    "APIService" "apiregistration.k8s.io/v1" => api_services: ApiServices;
    "Node" "v1" => nodes: Nodes;
    "Lease" "coordination.k8s.io/v1" => node_leases: NodeLeases;
    "PodMetrics" "metrics.k8s.io/v1beta1" => pod_metrics: PodMetrics;
    "ResourceQuota" "v1" => resource_quotas: ResourceQuotas;
    "LimitRange" "v1" => limit_ranges: LimitRanges;
    "ServiceAccount" "v1" => service_accounts: ServiceAccounts;
    "Pod" "v1" => pods: Pods;
    "Pod" "v1" => cluster_pods: ClusterPods;
    "ReplicaSet" "apps/v1" => replica_sets: ReplicaSets;
    "Deployment" "apps/v1" => deployments: Deployments;
    "StatefulSet" "apps/v1" => stateful_sets: StatefulSets;
    "DaemonSet" "apps/v1" => daemon_sets: DaemonSets;
    "Job" "batch/v1" => jobs: Jobs;
    "CronJob" "batch/v1" => cron_jobs: CronJobs;
    "HorizontalPodAutoscaler" "autoscaling/v2" => horizontal_pod_autoscalers: HorizontalPodAutoscalers;
    "PodDisruptionBudget" "policy/v1" => pod_disruption_budgets: PodDisruptionBudgets;
    "Service" "v1" => services: Services;
    "EndpointSlice" "discovery.k8s.io/v1" => endpoint_slices: EndpointSlices;
    "Ingress" "networking.k8s.io/v1" => ingresses: Ingresses;
    "IngressClass" "networking.k8s.io/v1" => ingress_classes: IngressClasses;
    "NetworkPolicy" "networking.k8s.io/v1" => network_policies: NetworkPolicies;
    "Namespace" "v1" => namespaces: Namespaces;
    "Role" "rbac.authorization.k8s.io/v1" => roles: Roles;
    "RoleBinding" "rbac.authorization.k8s.io/v1" => role_bindings: RoleBindings;
    "ClusterRole" "rbac.authorization.k8s.io/v1" => cluster_roles: ClusterRoles;
    "ClusterRoleBinding" "rbac.authorization.k8s.io/v1" => cluster_role_bindings: ClusterRoleBindings;
    "VulnerabilityReport" "aquasecurity.github.io/v1alpha1" => vulnerability_reports: VulnerabilityReports;
    "StorageClass" "storage.k8s.io/v1" => storage_classes: StorageClasses;
    "PersistentVolumeClaim" "v1" => persistent_volume_claims: PersistentVolumeClaims;
    "Secret" "v1" => secrets: Secrets;
    "ConfigMap" "v1" => config_maps: ConfigMaps;
    "Certificate" "cert-manager.io/v1" => certificates: Certificates;
    "CertificateRequest" "cert-manager.io/v1" => certificate_requests: CertificateRequests;
    "Order" "acme.cert-manager.io/v1" => orders: Orders;
    "Challenge" "acme.cert-manager.io/v1" => challenges: Challenges;
    "Event" "v1" => events: Events;
}

macro_rules! facts {
    ($($source:ident => $field:ident;)*) => {
        fn read_facts(snapshot: &mut Snapshot, facts: &Map<String, Value>) -> Result<(), Error> {
            const KNOWN: &[&str] = &[$(Source::$source.id()),*];
            if let Some(stranger) = facts.keys().find(|key| !KNOWN.contains(&key.as_str())) {
                return Err(Error::usage(format!("the recording has unknown facts `{stranger}`")).hint(format!("known: {}", KNOWN.join(", "))));
            }
            $(
                if let Some(value) = facts.get(Source::$source.id()) {
                    snapshot.readings.$field = Reading::Read(typed(Source::$source.id(), value.clone())?);
                }
            )*
            Ok(())
        }

        fn written_facts(snapshot: &Snapshot) -> Map<String, Value> {
            let mut facts = Map::new();
            $(
                if let Reading::Read(value) = &snapshot.readings.$field {
                    facts.insert(Source::$source.id().into(), json!(value));
                }
            )*
            facts
        }
    };
}

facts! {
    Version => version;
    Readiness => readiness;
    Logs => logs;
    Exposure => exposure;
    Expectations => expectations;
    Releases => releases;
    Postgresql => postgresql;
    Redis => redis;
    AccessReviews => access_reviews;
    Resolution => resolution;
    Hosts => hosts;
    Health => health;
    Prometheus => prometheus;
    Grafana => grafana;
    Probes => probes;
    Statements => statements;
    Imports => imports;
}

impl Snapshot {
    /// Reads a recording.
    ///
    /// # Errors
    /// When it is not YAML of the recording's shape; names the object that does not fit.
    pub fn from_recording(text: &str) -> Result<Self, Error> {
        let unreadable_file = |error: serde_yaml::Error| {
            Error::usage("the recording could not be read")
                .because(error)
                .hint("record one with `kubectl apimgmt verify --record FILE`")
        };
        let recording: Recording = serde_yaml::from_str(text).map_err(unreadable_file)?;
        let mut snapshot = Self {
            taken_at: recording.taken_at,
            cluster: recording.cluster,
            namespace: recording.namespace,
            replayed: true,
            cost: recording.cost,
            ..Self::default()
        };
        let was_read = |source: Source| match &recording.read {
            Some(read) => read.contains(&source),
            None => source.access().scope != Scope::Session,
        };
        begin_lists(&mut snapshot, &was_read);
        if was_read(Source::Namespace) {
            let mut own = of_kind(
                "Namespace",
                "v1",
                Source::Namespace,
                &snapshot.namespace,
                &recording.objects,
            )?;
            own.retain(|namespace: &super::namespaces::Namespace| namespace.metadata.name == snapshot.namespace);
            snapshot.readings.own_namespace = Reading::Read(own.pop());
        }
        begin_facts(&mut snapshot, &was_read);
        sort_objects(&mut snapshot, &recording.objects)?;
        read_facts(&mut snapshot, &recording.facts)?;
        for blind in recording.unreadable {
            let unreadable = match blind {
                Blind::Whole(unreadable) => unreadable,
                Blind::Brief { source, why } => Unreadable::new(source, &snapshot.namespace, why),
            };
            snapshot.readings.fail(unreadable);
        }
        Ok(snapshot)
    }

    /// Writes a recording, without secrets because the Snapshot holds none.
    pub fn to_recording(&self) -> String {
        let mut objects: Vec<Value> = listed_objects(self).into_iter().map(|(_, object)| object).collect();
        // With every namespace written, the own one is among them.
        if let (Reading::Read(Some(namespace)), false) =
            (&self.readings.own_namespace, self.readings.was_read(Source::Namespaces))
        {
            objects.push(with_kind("Namespace", "v1", namespace));
        }
        let recording = Recording {
            taken_at: self.taken_at,
            namespace: self.namespace.clone(),
            cluster: self.cluster.clone(),
            cost: self.cost,
            read: Some(
                Source::ALL
                    .iter()
                    .copied()
                    .filter(|source| self.readings.was_read(*source))
                    .collect(),
            ),
            unreadable: Source::ALL
                .iter()
                .filter_map(|source| self.readings.unreadable(*source).cloned().map(Blind::Whole))
                .collect(),
            objects,
            facts: written_facts(self),
        };
        serde_yaml::to_string(&recording).unwrap_or_default()
    }
}

/// Facts that a case leaves out and that are kept in the cluster's own objects: none there.
fn begin_facts(snapshot: &mut Snapshot, was_read: &dyn Fn(Source) -> bool) {
    if was_read(Source::Logs) {
        snapshot.readings.logs = Reading::Read(Vec::new());
    }
    if was_read(Source::Expectations) {
        snapshot.readings.expectations = Reading::Read(crate::values::Expectations::default());
    }
    if was_read(Source::Releases) {
        snapshot.readings.releases = Reading::Read(Vec::new());
    }
    if was_read(Source::Probes) {
        snapshot.readings.probes = Reading::Read(Vec::new());
    }
    if was_read(Source::Statements) {
        snapshot.readings.statements = Reading::Read(Vec::new());
    }
    if was_read(Source::Imports) {
        snapshot.readings.imports = Reading::Read(Vec::new());
    }
}

fn typed<T: DeserializeOwned>(what: &str, value: Value) -> Result<T, Error> {
    serde_json::from_value(value)
        .map_err(|error| Error::usage(format!("`{what}` of the recording does not fit")).because(error))
}

/// The objects of one kind that belong to a source: for namespaced sources those of the namespace.
fn of_kind<T: DeserializeOwned>(
    kind: &str,
    version: &str,
    source: Source,
    namespace: &str,
    objects: &[Value],
) -> Result<Vec<T>, Error> {
    let everywhere = !matches!(source.access().scope, Scope::Namespace | Scope::Named);
    // The pods of the own namespace are read with all that is known of them.
    let elsewhere = source == Source::ClusterPods;
    // An object that names no namespace is in the snapshot's own.
    let stands_in = |object: &Value| match object["metadata"]["namespace"].as_str() {
        None | Some("") => true,
        Some(named) => named == namespace,
    };
    objects
        .iter()
        .filter(|object| object["kind"] == kind && object["apiVersion"].as_str().unwrap_or(version) == version)
        .filter(|object| {
            if elsewhere {
                !stands_in(object)
            } else {
                everywhere || stands_in(object)
            }
        })
        .map(|object| {
            typed(
                &format!("{kind}/{}", object["metadata"]["name"].as_str().unwrap_or("?")),
                object.clone(),
            )
        })
        .collect()
}

fn with_kind<T: Serialize + DeserializeOwned + PartialEq>(kind: &str, version: &str, object: &T) -> Value {
    let mut whole = json!({ "apiVersion": version, "kind": kind });
    let full = json!(object);
    // The short form is written where it says the same: in `state: {running: {}}` being empty says something.
    let short = pruned(full.clone()).unwrap_or_else(|| json!({}));
    let reads_back = serde_json::from_value::<T>(short.clone()).is_ok_and(|back| back == *object);
    if let (Some(target), Value::Object(fields)) = (whole.as_object_mut(), if reads_back { short } else { full }) {
        target.extend(fields);
    }
    whole
}

/// Leaves out what is null or empty: the slim types read it back as their default. `false` and 0 stay, since where
/// absence means something else (`ready`, `replicas`) they are not the default; so does the class of a claim that wants none.
fn pruned(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::String(text) => (!text.is_empty()).then_some(Value::String(text)),
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(Value::Array(
            items
                .into_iter()
                .map(|item| pruned(item.clone()).unwrap_or(item))
                .collect(),
        )),
        Value::Object(fields) => {
            let fields: Map<_, _> = fields
                .into_iter()
                .filter_map(|(key, value)| {
                    let says_none = key == "storageClassName" && value == "";
                    let kept = if says_none { value } else { pruned(value)? };
                    Some((key, kept))
                })
                .collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        other @ (Value::Number(_) | Value::Bool(_)) => Some(other),
    }
}

#[cfg(test)]
mod tests {
    use crate::snapshot::Snapshot;

    /// Values that are not their type's default although they look like nothing.
    const TRICKY: &str = "
takenAt: 2026-11-23T08:00:00Z
cost: {apiRequests: 7, bytes: 8, wallMs: 9, peakRssBytes: 10}
objects:
- {kind: Deployment, metadata: {name: d, generation: 2}, spec: {replicas: 0, template: {spec: {containers: [{name: c, readinessProbe: {periodSeconds: 0, httpGet: {path: /, port: http}}}]}}}}
- {kind: StatefulSet, metadata: {name: s}, spec: {volumeClaimTemplates: [{spec: {storageClassName: ''}}]}}
- {kind: EndpointSlice, metadata: {name: e}, endpoints: [{addresses: [10.0.0.1], conditions: {ready: false}}]}
- {kind: Pod, metadata: {name: p}, status: {containerStatuses: [{name: c, started: false}]}}
- {kind: Namespace, metadata: {name: integration-api-management}}
- {kind: Secret, metadata: {name: s}, stringData: {password: hunter2hunter2}}
facts:
  expectations: {tls: {hsts: false, redirectHttp: false}, health: {paths: []}, hosts: [{host: a, vantagePoints: []}], monitoring: {series: []}}
  postgresql:
  prometheus: {object: service/p, targets: [], series: {up: 0}}
  hosts: []
unreadable: [{source: nodes, why: {reason: forbidden}}]
";

    #[test]
    fn a_recording_reads_back_as_it_was() {
        let first = Snapshot::from_recording(TRICKY).unwrap();
        let again = Snapshot::from_recording(&first.to_recording()).unwrap();
        assert_eq!(first.readings, again.readings);
        assert_eq!(
            (first.cost, first.taken_at, &first.namespace),
            (again.cost, again.taken_at, &again.namespace)
        );
        assert_eq!(
            first.to_recording(),
            again.to_recording(),
            "the same input gives the same bytes"
        );
    }
}
