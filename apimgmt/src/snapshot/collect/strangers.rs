//! Pods of other namespaces, of which there may be tens of thousands: where they are, what they reserve, and which
//! workload they belong to. Nothing else of them is even read.
//!
//! What a pod reserves stands whole in its `overhead`, so that containers, each of which has room for everything that
//! is known of one's own, need not be kept; and it belongs to its deployment itself, not to a replica set in between.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use serde::Deserialize;

use crate::snapshot::{
    Metadata, Pod, PodSpec, Quantity,
    metadata::OwnerReference,
    pods::{Container, ContainerPort, PodStatus},
};

type Amounts = BTreeMap<String, Quantity>;

/// A pod as it arrives, with no more than is kept.
#[derive(Deserialize)]
pub(super) struct Stranger<'a> {
    #[serde(borrow)]
    metadata: Identity<'a>,
    #[serde(default)]
    spec: Place,
    #[serde(default)]
    status: Phase,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(default)]
    name: String,
    #[serde(borrow, default)]
    namespace: Cow<'a, str>,
    deletion_timestamp: Option<Timestamp>,
    #[serde(default)]
    owner_references: Vec<Owner>,
    #[serde(borrow, default)]
    labels: Labels<'a>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "kebab-case", default)]
struct Labels<'a> {
    #[serde(borrow)]
    pod_template_hash: Cow<'a, str>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Owner {
    kind: String,
    name: String,
    controller: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Place {
    node_name: String,
    containers: Vec<Demand>,
    init_containers: Vec<Demand>,
    overhead: Amounts,
    priority: i64,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Demand {
    resources: Requests,
    restart_policy: Option<String>,
    ports: Vec<HostPort>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Requests {
    requests: Amounts,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct HostPort {
    host_port: u16,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Phase {
    phase: String,
}

impl Stranger<'_> {
    /// Whether it is no stranger in this namespace.
    pub(super) fn is_of(&self, namespace: &str) -> bool {
        self.metadata.namespace == namespace
    }
}

impl From<Stranger<'_>> for Pod {
    fn from(stranger: Stranger<'_>) -> Self {
        let Stranger { metadata, spec, status } = stranger;
        let controller = metadata.owner_references.into_iter().find(|owner| owner.controller);
        let workload = controller.map(|owner| workload(owner, &metadata.labels.pod_template_hash));
        let host_ports = spec
            .containers
            .iter()
            .flat_map(|container| &container.ports)
            .filter(|port| port.host_port != 0);
        let on_host: Vec<_> = host_ports
            .map(|port| ContainerPort {
                host_port: port.host_port,
                ..ContainerPort::default()
            })
            .collect();
        let containers = if on_host.is_empty() {
            Vec::new()
        } else {
            vec![Container {
                ports: on_host,
                ..Container::default()
            }]
        };
        Self {
            metadata: Metadata {
                name: metadata.name,
                namespace: metadata.namespace.into_owned(),
                deletion_timestamp: metadata.deletion_timestamp,
                owner_references: workload.map_or_else(Vec::new, |workload| vec![workload]),
                ..Metadata::default()
            },
            spec: PodSpec {
                overhead: reserved(spec.containers, &spec.init_containers, &spec.overhead),
                containers,
                node_name: spec.node_name,
                priority: spec.priority,
                ..PodSpec::default()
            },
            status: PodStatus {
                phase: status.phase,
                ..PodStatus::default()
            },
        }
    }
}

fn workload(owner: Owner, hash: &str) -> OwnerReference {
    let deployment = owner.name.strip_suffix(hash).and_then(|name| name.strip_suffix('-'));
    let (kind, name) = match deployment {
        Some(name) if !hash.is_empty() && owner.kind == "ReplicaSet" => ("Deployment".to_owned(), name.to_owned()),
        _ => (owner.kind, owner.name),
    };
    OwnerReference {
        kind,
        name,
        controller: true,
    }
}

/// What the scheduler reserves: containers and sidecars together, or the largest step before them, and the overhead.
fn reserved(mut containers: Vec<Demand>, initial: &[Demand], overhead: &Amounts) -> Amounts {
    let is_plain = initial.iter().all(|step| step.resources.requests.is_empty()) && overhead.is_empty();
    if let ([only], true) = (containers.as_mut_slice(), is_plain) {
        return std::mem::take(&mut only.resources.requests);
    }
    let is_sidecar = |step: &&Demand| step.restart_policy.as_deref() == Some("Always");
    let sidecars = || initial.iter().filter(is_sidecar);
    let resources: BTreeSet<&String> = containers
        .iter()
        .chain(initial)
        .flat_map(|container| container.resources.requests.keys())
        .chain(overhead.keys())
        .collect();
    let total = |resource: &String| {
        let of = |amounts: &Amounts| amounts.get(resource).and_then(Quantity::milli).unwrap_or_default();
        let together: i128 = containers
            .iter()
            .chain(sidecars())
            .map(|container| of(&container.resources.requests))
            .sum();
        let steps = initial.iter().filter(|step| !is_sidecar(step));
        let largest = steps.map(|step| of(&step.resources.requests)).max().unwrap_or_default();
        together.max(largest) + of(overhead)
    };
    let written = |milli: i128| {
        Quantity(if milli % 1000 == 0 {
            (milli / 1000).to_string()
        } else {
            format!("{milli}m")
        })
    };
    resources
        .into_iter()
        .map(|resource| (resource.clone(), written(total(resource))))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Pod, Stranger};

    fn pod(text: &str) -> Pod {
        serde_json::from_str::<Stranger<'_>>(text).unwrap().into()
    }

    #[test]
    fn a_stranger_reserves_what_its_containers_did() {
        let one = pod(
            r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"nodeName":"x","containers":[{"name":"c","resources":{"requests":{"cpu":"100m"}}}]}}"#,
        );
        assert_eq!(
            (one.spec.node_name.as_str(), one.spec.overhead["cpu"].0.as_str()),
            ("x", "100m")
        );
        let many = pod(
            r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"overhead":{"memory":"1Ki"},
            "initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},{"resources":{"requests":{"cpu":"1","memory":"9Ki"}}}],
            "containers":[{"resources":{"requests":{"cpu":"100m","memory":"1Ki"}},"ports":[{"hostPort":80},{}]},{"resources":{"requests":{"cpu":"0.1"}}},{}]}}"#,
        );
        assert_eq!(many.spec.overhead["cpu"].0, "1200m", "with its sidecar");
        assert_eq!(
            many.spec.overhead["memory"].0, "10240",
            "its largest first step, and the overhead"
        );
        assert_eq!(many.spec.containers[0].ports[0].host_port, 80);
    }

    #[test]
    fn a_stranger_belongs_to_its_deployment() {
        let owned = |kind: &str, hash: &str| {
            let labels = if hash.is_empty() {
                String::new()
            } else {
                format!(r#","labels":{{"pod-template-hash":"{hash}"}}"#)
            };
            let owner = format!(
                r#""ownerReferences":[{{"kind":"Other","name":"x"}},{{"kind":"{kind}","name":"app-7d4","controller":true}}]"#
            );
            let pod = pod(&format!(
                r#"{{"metadata":{{"name":"a","namespace":"n",{owner}{labels}}}}}"#
            ));
            let owner = pod.metadata.controller().unwrap();
            format!("{}/{}", owner.kind, owner.name)
        };
        assert_eq!(owned("ReplicaSet", "7d4"), "Deployment/app");
        assert_eq!(owned("ReplicaSet", ""), "ReplicaSet/app-7d4");
        assert_eq!(owned("DaemonSet", "7d4"), "DaemonSet/app-7d4");
    }
}
