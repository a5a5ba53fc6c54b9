//! No node has room for what a pod reserves.

use std::collections::BTreeMap;

use crate::{
    checklist::Evidence,
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{
            Scene, list,
            scheduling::{Unplaced, amount, requested},
            workload_by_name,
        },
    },
    snapshot::{Pod, Quantity, Source, Unreadable, cluster::Node, strangers::Stranger},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "node-room-insufficient",
    topic: Topic::Pod,
    symptom: "Pods stay Pending",
    cause: "No node has as much room left as the pod reserves",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Nodes,
        Source::ClusterPods,
    ],
    look,
};

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    let unplaced: Vec<_> = scene.unplaced()?.into_iter().filter(Unplaced::lacks_room).collect();
    let nodes = scene.nodes();
    // Without the other namespaces, the consumers of this one are still worth naming.
    let (own, strangers) = (scene.snapshot.pods(), scene.snapshot.cluster_pods());
    let source = if own.is_ok() && strangers.is_ok() {
        Source::ClusterPods
    } else {
        Source::Pods
    };
    let (own, strangers) = (
        own.map(Vec::as_slice).unwrap_or_default(),
        strangers.map(Vec::as_slice).unwrap_or_default(),
    );
    let mut by_resource: BTreeMap<String, Vec<&Unplaced<'a>>> = BTreeMap::new();
    for pods in &unplaced {
        by_resource.entry(resource(pods)).or_default().push(pods);
    }
    Ok(by_resource
        .into_iter()
        .map(|(resource, group)| {
            finding(
                scene,
                &Room {
                    resource: &resource,
                    nodes: &nodes,
                    running: running(own, strangers, &resource),
                    source,
                },
                group,
            )
        })
        .collect())
}

/// The resource that is short: `cpu`, `memory`, `pods`, …
fn resource(unplaced: &Unplaced<'_>) -> String {
    let short = unplaced
        .reasons
        .iter()
        .find_map(|(_, reason)| reason.strip_prefix("Insufficient "));
    short.unwrap_or("pods").to_owned()
}

/// What is known about one resource on the nodes.
struct Room<'a> {
    resource: &'a str,
    nodes: &'a [&'a Node],
    running: Vec<Running<'a>>,
    source: Source,
}

/// A pod that has room on a node.
struct Running<'a> {
    namespace: &'a str,
    workload: String,
    node: &'a str,
    reserves: i128,
}

/// One shortage is one cause, whichever workloads it keeps waiting: the one that asks for most stands for them.
fn finding<'a>(scene: &Scene<'a>, room: &Room<'_>, mut waiting: Vec<&Unplaced<'a>>) -> Finding {
    waiting.sort_by_key(|pods| {
        (
            std::cmp::Reverse(requested(pods.first(), room.resource)),
            pods.workload.clone(),
        )
    });
    let main = waiting[0];
    let asked = requested(main.first(), room.resource);
    let consumers = room.consumers();
    let told: Vec<String> = consumers
        .iter()
        .map(|(workload, reserved)| format!("{workload} {}", amount(room.resource, *reserved)))
        .collect();
    let (free, largest) = room.free_and_largest();
    let never_fits = largest.is_some_and(|largest| asked > largest);
    let room_left = match (free, largest) {
        (_, Some(largest)) if never_fits => format!("the largest node has {} in all", amount(room.resource, largest)),
        (Some(free), _) => format!("no node has more than {} free", amount(room.resource, free)),
        (None, _) => "no node has that free".into(),
    };
    let taken = match told.as_slice() {
        [] => String::new(),
        _ if never_fits => String::new(),
        told => format!("; the largest consumers are {}", list(told)),
    };
    let cause = format!(
        "{} reserves {} a pod, and {room_left}{taken}",
        main.workload,
        amount(room.resource, asked)
    );
    let mut finding = Finding::new(DIAGNOSIS.id, &main.workload, cause);
    for pods in &waiting {
        finding = finding
            .explaining(pods.objects())
            .because(scene.pod_condition(pods.first(), "PodScheduled"));
    }
    let field = format!("spec.containers[].resources.requests.{}", room.resource);
    finding = finding
        .because([scene.field(
            Source::Pods,
            main.first().object(),
            &field,
            amount(room.resource, asked),
        )])
        .because(consumers.iter().map(|(workload, reserved)| {
            Evidence::moving(
                scene.snapshot,
                room.source,
                workload,
                &format!("reserved {}", room.resource),
                amount(room.resource, *reserved),
            )
        }))
        .because(room.nodes.iter().take(3).filter_map(|node| {
            let allocatable = node.status.allocatable.get(room.resource)?.milli()?;
            Some(scene.field(
                Source::Nodes,
                format!("node/{}", node.metadata.name),
                &format!("status.allocatable.{}", room.resource),
                amount(room.resource, allocatable),
            ))
        }))
        .not(
            "a taint, a selector or an affinity",
            "nodes that would do lack room, which the scheduler says",
        );
    if room.resource == "pods" {
        return finding.mend("Add a node, or raise `maxPods` of the kubelet");
    }
    let container = main
        .first()
        .spec
        .containers
        .first()
        .map_or("", |container| &container.name);
    finding
        .mend(format!(
            "kubectl set resources {} -c {container} --requests={}=LESS -n {}",
            main.workload,
            room.resource,
            scene.namespace()
        ))
        .mend("Add a node with more room, or lower what the largest consumers reserve")
}

impl Room<'_> {
    /// The three workloads that reserve most on the nodes.
    fn consumers(&self) -> Vec<(String, i128)> {
        let mut reserved: BTreeMap<(&str, String), i128> = BTreeMap::new();
        for pod in &self.running {
            *reserved.entry((pod.namespace, pod.workload.clone())).or_default() += pod.reserves;
        }
        let mut consumers: Vec<_> = reserved.into_iter().filter(|(_, amount)| *amount > 0).collect();
        consumers.sort_by(|left, right| right.1.cmp(&left.1).then_with(|| left.0.cmp(&right.0)));
        let named = |((namespace, workload), amount): ((&str, String), i128)| {
            (
                if namespace.is_empty() {
                    workload
                } else {
                    format!("{namespace}/{workload}")
                },
                amount,
            )
        };
        consumers.into_iter().take(3).map(named).collect()
    }

    /// The most that is free on one node, when every pod is known, and the most that one node has.
    fn free_and_largest(&self) -> (Option<i128>, Option<i128>) {
        let mut used: BTreeMap<&str, i128> = BTreeMap::new();
        for pod in &self.running {
            *used.entry(pod.node).or_default() += pod.reserves;
        }
        let usable = self.nodes.iter().filter(|node| !node.spec.unschedulable);
        let sizes: Vec<_> = usable
            .filter_map(|node| {
                Some((
                    node.metadata.name.as_str(),
                    node.status.allocatable.get(self.resource).and_then(Quantity::milli)?,
                ))
            })
            .collect();
        let largest = sizes.iter().map(|(_, size)| *size).max();
        let free = sizes
            .iter()
            .map(|(name, size)| (size - used.get(name).copied().unwrap_or(0)).max(0))
            .max();
        (
            free.filter(|_| self.source == Source::ClusterPods && self.resource != "pods"),
            largest,
        )
    }
}

/// The pods that have room on nodes, with what each reserves of a resource.
fn running<'a>(own: &'a [Pod], strangers: &'a [Stranger], resource: &str) -> Vec<Running<'a>> {
    let own = own.iter().filter(|pod| pod.takes_room()).map(|pod| Running {
        namespace: &pod.metadata.namespace,
        workload: workload_by_name(&pod.metadata),
        node: &pod.node_name,
        reserves: requested(pod, resource),
    });
    let others = strangers.iter().filter(|pod| pod.takes_room()).map(|pod| Running {
        namespace: &pod.namespace,
        workload: match &pod.workload {
            Some(owner) => format!("{}/{}", owner.kind.to_ascii_lowercase(), owner.name),
            None => format!("pod/{}", pod.name),
        },
        node: &pod.node,
        reserves: pod.reserved.get(resource).and_then(Quantity::milli).unwrap_or(0),
    });
    own.chain(others).collect()
}
