//! Pods of other namespaces, of which there may be tens of thousands: where they are, what they reserve, and which
//! workload they belong to. Nothing else of them is even read.
//!
//! A recording writes them as pods whose `overhead` is all that they reserve, and that belong to their deployment itself,
//! not to a replica set in between: read again, they say the same.

mod encoded;

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::json;

use super::{Quantity, Shared, Text};

type Amounts = BTreeMap<String, Quantity>;

/// A pod of another namespace, as far as it concerns the nodes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Stranger {
    /// Its namespace.
    pub namespace: Text,
    /// Its name.
    pub name: Box<str>,
    /// Node that it is bound to; empty while it waits for one.
    pub node: Text,
    /// What keeps it running, where something does.
    pub workload: Option<Workload>,
    /// What the scheduler reserves for it.
    pub reserved: Shared<Amounts>,
    /// Ports that it takes on its node.
    pub host_ports: Box<[u16]>,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: Text,
}

/// What keeps a pod running: a deployment itself, not the replica set in between.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Workload {
    /// Its kind, such as `Deployment`.
    pub kind: Text,
    /// Its name.
    pub name: Text,
}

impl Stranger {
    /// Whether it has room on a node: it is bound to one and has not ended.
    pub fn takes_room(&self) -> bool {
        !self.node.is_empty() && !matches!(self.phase.as_str(), "Succeeded" | "Failed")
    }
}

/// A pod as it arrives, with no more than is kept.
#[derive(Deserialize)]
struct Written<'a> {
    #[serde(borrow)]
    metadata: Identity<'a>,
    #[serde(borrow, default)]
    spec: Place<'a>,
    #[serde(default)]
    status: Phase,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Identity<'a> {
    #[serde(default)]
    name: Box<str>,
    #[serde(default)]
    namespace: Text,
    #[serde(borrow, default)]
    owner_references: Vec<Owner<'a>>,
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
struct Owner<'a> {
    kind: Text,
    #[serde(borrow)]
    name: Cow<'a, str>,
    controller: bool,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Place<'a> {
    node_name: Text,
    #[serde(borrow)]
    containers: Vec<Demand<'a>>,
    #[serde(borrow)]
    init_containers: Vec<Demand<'a>>,
    overhead: Amounts,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Demand<'a> {
    resources: Requests,
    #[serde(borrow)]
    restart_policy: Option<Cow<'a, str>>,
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
    phase: Text,
}

impl<'de> Deserialize<'de> for Stranger {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Written { metadata, spec, status } = Written::deserialize(deserializer)?;
        let mut owners = metadata.owner_references.iter();
        let owner = owners.find(|owner| owner.controller);
        let ports = spec.containers.iter().flat_map(|container| &container.ports);
        let host_ports = ports.map(|port| port.host_port).filter(|port| *port != 0).collect();
        Ok(Self {
            namespace: metadata.namespace,
            name: metadata.name,
            node: spec.node_name,
            workload: owner.map(|owner| workload(owner, &metadata.labels.pod_template_hash)),
            reserved: reserved(spec.containers, &spec.init_containers, &spec.overhead).into(),
            host_ports,
            phase: status.phase,
        })
    }
}

impl Serialize for Stranger {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let owners = self.workload.iter();
        let owners = owners.map(|owner| json!({"kind": owner.kind, "name": owner.name, "controller": true}));
        let ports = self.host_ports.iter().map(|port| json!({"hostPort": port}));
        let ports: Vec<_> = ports.collect();
        let containers = if ports.is_empty() {
            json!([])
        } else {
            json!([{"ports": ports}])
        };
        let pod = json!({
            "metadata": {"name": self.name, "namespace": self.namespace, "ownerReferences": owners.collect::<Vec<_>>()},
            "spec": {"nodeName": self.node, "containers": containers, "overhead": self.reserved},
            "status": {"phase": self.phase},
        });
        pod.serialize(serializer)
    }
}

fn workload(owner: &Owner<'_>, hash: &str) -> Workload {
    let deployment = owner.name.strip_suffix(hash).and_then(|name| name.strip_suffix('-'));
    match deployment {
        Some(name) if !hash.is_empty() && owner.kind == "ReplicaSet" => Workload {
            kind: "Deployment".into(),
            name: name.into(),
        },
        _ => Workload {
            kind: owner.kind.clone(),
            name: owner.name.as_ref().into(),
        },
    }
}

/// What the scheduler reserves: containers and sidecars together, or the largest step before them, and the overhead.
fn reserved(mut containers: Vec<Demand<'_>>, initial: &[Demand<'_>], overhead: &Amounts) -> Amounts {
    let asks = |container: &Demand<'_>| !container.resources.requests.is_empty();
    if !containers.iter().chain(initial).any(asks) {
        return overhead.clone();
    }
    let is_plain = initial.iter().all(|step| step.resources.requests.is_empty()) && overhead.is_empty();
    if let ([only], true) = (containers.as_mut_slice(), is_plain) {
        return std::mem::take(&mut only.resources.requests);
    }
    let is_sidecar = |step: &&Demand<'_>| step.restart_policy.as_deref() == Some("Always");
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
    use super::Stranger;

    fn stranger(text: &str) -> Stranger {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_stranger_reserves_what_its_containers_did() {
        let one = stranger(
            r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"nodeName":"x","containers":[{"name":"c","resources":{"requests":{"cpu":"100m"}}}]}}"#,
        );
        assert_eq!((one.node.as_str(), one.reserved["cpu"].0.as_str()), ("x", "100m"));
        assert!(one.takes_room());
        let many = stranger(
            r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"overhead":{"memory":"1Ki"},
            "initContainers":[{"restartPolicy":"Always","resources":{"requests":{"cpu":"1"}}},{"resources":{"requests":{"cpu":"1","memory":"9Ki"}}}],
            "containers":[{"resources":{"requests":{"cpu":"100m","memory":"1Ki"}},"ports":[{"hostPort":80},{}]},{"resources":{"requests":{"cpu":"0.1"}}},{}]}}"#,
        );
        assert_eq!(many.reserved["cpu"].0, "1200m", "with its sidecar");
        assert_eq!(
            many.reserved["memory"].0, "10240",
            "its largest first step, and the overhead"
        );
        assert_eq!(*many.host_ports, [80]);
        assert!(!many.takes_room(), "it is bound to no node");
    }

    #[test]
    fn a_stranger_belongs_to_its_deployment() {
        let owned = |kind: &str, hash: &str| {
            let owner = format!(r#""ownerReferences":[{{"kind":"{kind}","name":"app-7d4","controller":true}}],"#);
            let labels = format!(r#""labels":{{"pod-template-hash":"{hash}"}}"#);
            let owner = stranger(&format!(
                r#"{{"metadata":{{"name":"a","namespace":"n",{owner}{labels}}}}}"#
            ));
            let owner = owner.workload.unwrap();
            format!("{}/{}", owner.kind, owner.name)
        };
        assert_eq!(owned("ReplicaSet", "7d4"), "Deployment/app");
        assert_eq!(owned("ReplicaSet", ""), "ReplicaSet/app-7d4");
        assert_eq!(owned("DaemonSet", "7d4"), "DaemonSet/app-7d4");
    }

    #[test]
    fn a_stranger_reads_back_as_it_was_written() {
        let first = stranger(
            r#"{"metadata":{"name":"a","namespace":"n","labels":{"pod-template-hash":"7d4"},
            "ownerReferences":[{"kind":"ReplicaSet","name":"app-7d4","controller":true}]},
            "spec":{"nodeName":"x","overhead":{"cpu":"50m"},"containers":[{"resources":{"requests":{"cpu":"1"}},"ports":[{"hostPort":80}]},{}]},
            "status":{"phase":"Running"}}"#,
        );
        assert_eq!(stranger(&serde_json::to_string(&first).unwrap()), first);
        assert_eq!(
            serde_json::from_value::<Stranger>(serde_json::json!(first)).unwrap(),
            first,
            "and from YAML"
        );
    }
}
