//! Network policies that stand between a pod and what it needs, judged as the API defines them: whether the cluster's
//! network heeds them does not show in its objects.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Backing, Scene};
use crate::{
    edges::{
        Place,
        policy::{Connection, Direction, Policies},
    },
    snapshot::{Labels, Pod, Unreadable, roles::target_port, services::ServicePort},
};

/// Labels that controllers give to the pods of one revision, or to one pod.
const OF_ONE_REVISION: &[&str] = &[
    "pod-template-hash",
    "controller-revision-hash",
    "statefulset.kubernetes.io/pod-name",
    "apps.kubernetes.io/pod-index",
    "controller-uid",
    "batch.kubernetes.io/controller-uid",
];

/// A connection that policies deny.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Barrier {
    /// The policies that isolate an end of it and permit nothing like it, by name.
    pub(crate) policies: BTreeSet<String>,
    /// What is not reached, for a person: `service/postgres (port 5432)`.
    pub(crate) whom: String,
    /// Policies that permit exactly this connection, without their names.
    pub(crate) permissions: Vec<Value>,
}

/// The policies that isolate the ends of a denied connection, and the directions in which it is denied.
type Denial = (BTreeSet<String>, Vec<Direction>);

impl Scene<'_> {
    /// What denies the connection from a pod to a port of a service, 0 for its first; `None` where nothing does.
    pub(crate) fn barrier(&self, pod: &Pod, backing: &Backing<'_>, port: u16) -> Result<Option<Barrier>, Unreadable> {
        let ports = &backing.service.spec.ports;
        let declared = ports.iter().find(|it| it.port == port).or(ports.first());
        let server = backing.pods.iter().find(|it| it.is_ready());
        let (Some(declared), Some(server)) = (declared, server) else {
            return Ok(None);
        };
        let ServicePort { port, .. } = declared;
        let target = target_port(declared, &server.spec).unwrap_or(*port);
        let denied = self.denied(pod, &place(self.namespace(), server), (target, "TCP"))?;
        let (from, to) = (lasting(&pod.metadata.labels), lasting(&backing.service.spec.selector));
        let ports = json!([{"port": target, "protocol": "TCP"}]);
        Ok(denied.map(|(policies, directions)| Barrier {
            policies,
            whom: format!("{} (port {target})", backing.object()),
            permissions: directions
                .into_iter()
                .map(|direction| match direction {
                    Direction::Egress => json!({
                        "podSelector": {"matchLabels": from}, "policyTypes": ["Egress"],
                        "egress": [{"to": [{"podSelector": {"matchLabels": to}}], "ports": ports}]}),
                    Direction::Ingress => json!({
                        "podSelector": {"matchLabels": to}, "policyTypes": ["Ingress"],
                        "ingress": [{"from": [{"podSelector": {"matchLabels": from}}], "ports": ports}]}),
                })
                .collect(),
        }))
    }

    /// What keeps a pod from asking the cluster's name servers; `None` where nothing does.
    pub(crate) fn barrier_to_names(&self, pod: &Pod) -> Result<Option<Barrier>, Unreadable> {
        let denied = self.denied(pod, &Place::cluster_dns(), (53, "UDP"))?;
        let from = lasting(&pod.metadata.labels);
        Ok(denied.map(|(policies, _)| Barrier {
            policies,
            whom: "the cluster's name servers (port 53)".into(),
            permissions: vec![json!({
                "podSelector": {"matchLabels": from}, "policyTypes": ["Egress"],
                "egress": [{
                    "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}},
                        "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}],
                    "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}]})],
        }))
    }

    /// Whether and how a connection is denied.
    fn denied(&self, pod: &Pod, to: &Place, (port, protocol): (u16, &str)) -> Result<Option<Denial>, Unreadable> {
        let (listed, namespaces) = (self.snapshot.network_policies()?, self.snapshot.namespaces());
        // A pod on the node's network has the node's address, which policies do not isolate.
        if listed.is_empty() || pod.spec.host_network {
            return Ok(None);
        }
        let policies = Policies {
            listed,
            namespace: self.namespace(),
            namespaces: namespaces?,
        };
        let from = place(self.namespace(), pod);
        let directions = policies.denied(Connection {
            from: &from,
            to,
            port,
            protocol,
        });
        let isolating = directions.iter().flat_map(|direction| {
            let end = match direction {
                Direction::Egress => &from,
                Direction::Ingress => to,
            };
            let labels = match end {
                Place::Pod { labels, .. } => Some(labels),
                Place::Address(_) => None,
            };
            let isolating = labels.map(|labels| policies.isolating(*direction, labels));
            isolating
                .into_iter()
                .flatten()
                .map(|policy| policy.metadata.name.clone())
        });
        let names: BTreeSet<String> = isolating.collect();
        Ok((!directions.is_empty()).then_some((names, directions)))
    }
}

fn place(namespace: &str, pod: &Pod) -> Place {
    Place::pod(
        namespace,
        Labels::clone(&pod.metadata.labels),
        &pod.spec,
        pod.status.pod_ip,
    )
}

/// Labels that the pods of the next revision have, too.
fn lasting(labels: &Labels) -> Labels {
    let kept = labels
        .iter()
        .filter(|(key, _)| !OF_ONE_REVISION.contains(&key.as_str()));
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}
