//! The release fits on the nodes at its largest: rolling out, scaled up, and with a node lost.

use std::{
    collections::{BTreeMap, HashMap},
    rc::Rc,
    sync::LazyLock,
};

use super::{
    amounts::{Amounts, requests, reserved},
    packing::{Load, Place, place},
};
use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{
        LabelSelector, Labels, Pod, PodSpec, PodTemplate, Port, Quantity, Selectors, Snapshot, Source, Unreadable,
        cluster::Node, condition, namespaces::LimitRange, strangers::Stranger, workloads::Deployment,
    },
};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/node-capacity",
    title: "The release fits on the nodes, also with a loss",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "Pods that do not fit stay pending, often only in the next rolling update or node failure.",
    fix: "Lower requests, add nodes, or free room: `kubectl describe nodes`.",
    reads: &[
        Source::Nodes,
        Source::Pods,
        Source::ClusterPods,
        Source::Deployments,
        Source::StatefulSets,
        Source::HorizontalPodAutoscalers,
        Source::LimitRanges,
        Source::Expectations,
    ],
    judge,
};

/// The pods of one workload at its largest.
struct Demand<'a> {
    object: String,
    selector: &'a LabelSelector,
    template: &'a PodTemplate,
    pods: usize,
    /// How the number came about.
    sum: String,
    source: Source,
}

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let nodes = snapshot.nodes()?;
    pressure(&mut row, nodes);
    let (pods, strangers) = (row.read(snapshot.pods()), row.read(snapshot.cluster_pods()));
    let demands = demands(&mut row, snapshot);
    let limit_ranges = row.read(snapshot.limit_ranges());
    let expected = row.read(snapshot.expectations());
    let (Some(pods), Some(strangers)) = (pods, strangers) else {
        return Ok(row.verdict(""));
    };
    let (Some(demands), Some(limit_ranges), Some(expected)) = (demands, limit_ranges, expected) else {
        return Ok(row.verdict(""));
    };
    if demands.is_empty() {
        row.unseen(format!(
            "no workload in `{}` tells what the release needs",
            snapshot.namespace
        ));
        return Ok(row.verdict(""));
    }
    for demand in &demands {
        row.stable(demand.source, &demand.object, "pods at most", &demand.sum);
    }

    let defaults = default_requests(limit_ranges);
    let running = Running::of(pods, strangers);
    let selectors: Selectors<'_, usize> = demands.iter().map(|demand| demand.selector).zip(0..).collect();
    let owners = |load: &Load<'_>| -> Vec<usize> {
        if load.namespace != snapshot.namespace {
            return Vec::new();
        }
        selectors.of(load.labels).copied().collect()
    };
    let mut places = running.places(nodes, |_| true);
    let free = |places: &[Place<'_, '_>], resource| places.iter().map(|place| place.free(resource)).sum::<i128>();
    row.moving(
        Source::ClusterPods,
        "nodes",
        "allocatable − requests",
        format!(
            "{} free: cpu {}m, memory {}Mi",
            counted(nodes.len(), "node"),
            free(&places, "cpu"),
            free(&places, "memory") / (1000 * 1_048_576)
        ),
    );
    let missing = still_missing(&demands, &places, owners, &snapshot.namespace, &defaults);
    if let Err(why) = place(&mut places, &missing) {
        row.breach(why);
    }

    let loss = expected.nodes.tolerate_loss;
    let largest: Vec<&str> = largest(nodes).take(loss).collect();
    row.stable(Source::Expectations, "checklist", "nodes.tolerateLoss", loss);
    if loss > 0 && !row.is_broken() {
        let left = |node: &Node| !largest.contains(&node.metadata.name.as_str());
        let mut places = running.places(nodes, left);
        // What else is set free by the loss also wants room, and takes it first.
        let others = running.set_free(&largest, |load| owners(load).is_empty());
        for other in &others {
            let _ = place(&mut places, std::slice::from_ref(other));
        }
        let missing = still_missing(&demands, &places, owners, &snapshot.namespace, &defaults);
        if let Err(why) = place(&mut places, &missing) {
            row.lesser(format!("after losing {}: {why}", largest.join(", ")));
        }
    }
    let total: usize = demands.iter().map(|demand| demand.pods).sum();
    let with_loss = if loss > 0 {
        format!(", also without {}", largest.join(", "))
    } else {
        String::new()
    };
    Ok(row.verdict(format!(
        "{} fit on {}{with_loss}",
        counted(total, "pod"),
        counted(nodes.len(), "node")
    )))
}

fn pressure(row: &mut Clauses<'_>, nodes: &[Node]) {
    let mut free = 0;
    for node in nodes {
        let object = format!("node/{}", node.metadata.name);
        let mut relieved = true;
        for kind in ["MemoryPressure", "DiskPressure", "PIDPressure"] {
            match condition(&node.status.conditions, kind) {
                Some(pressure) if pressure.status == "False" => {}
                Some(pressure) if pressure.status == "True" => {
                    relieved = false;
                    row.moving(Source::Nodes, &object, "status.conditions", kind);
                    row.breach(format!("{object} is under {kind}"));
                }
                _ => {
                    relieved = false;
                    row.unseen(format!("{object} does not say whether it is under {kind}"));
                }
            }
        }
        free += usize::from(relieved);
    }
    row.moving(
        Source::Nodes,
        "nodes",
        "status.conditions",
        format!("{free} of {} without pressure", nodes.len()),
    );
}

fn demands<'a>(row: &mut Clauses<'_>, snapshot: &'a Snapshot) -> Option<Vec<Demand<'a>>> {
    let deployments = row.read(snapshot.deployments())?;
    let stateful_sets = row.read(snapshot.stateful_sets())?;
    let autoscalers = row.read(snapshot.horizontal_pod_autoscalers())?;
    // A workload that is scaled to 0 is left alone by its autoscaler.
    let most = |kind: &str, name: &str, replicas: Option<i64>| {
        let replicas = replicas.unwrap_or(1).max(0);
        let scaled = autoscalers.iter().find(|autoscaler| {
            let target = &autoscaler.spec.scale_target_ref;
            replicas > 0 && target.kind == kind && target.name == name
        });
        let most = scaled.map_or(replicas, |autoscaler| autoscaler.spec.max_replicas.max(replicas));
        let sum = match scaled {
            Some(_) => format!("{most} by its autoscaler"),
            None => counted(usize::try_from(most).unwrap_or_default(), "replica"),
        };
        (usize::try_from(most).unwrap_or_default(), sum)
    };
    let deployments = deployments.iter().map(|deployment| {
        let name = &deployment.metadata.name;
        let (most, sum) = most("Deployment", name, deployment.spec.replicas);
        let surge = surge(deployment, most);
        Demand {
            object: format!("deployment/{name}"),
            selector: &deployment.spec.selector,
            template: &deployment.spec.template,
            pods: most.saturating_add(surge),
            sum: format!("{sum} + {surge} in a rollout"),
            source: Source::Deployments,
        }
    });
    let stateful_sets = stateful_sets.iter().map(|stateful_set| {
        let name = &stateful_set.metadata.name;
        let (most, sum) = most("StatefulSet", name, stateful_set.spec.replicas);
        Demand {
            object: format!("statefulset/{name}"),
            selector: &stateful_set.spec.selector,
            template: &stateful_set.spec.template,
            pods: most,
            sum,
            source: Source::StatefulSets,
        }
    });
    Some(deployments.chain(stateful_sets).collect())
}

/// Pods that a rollout has beside the wanted ones: a number, or a share rounded up; a quarter when not stated.
fn surge(deployment: &Deployment, pods: usize) -> usize {
    let strategy = &deployment.spec.strategy;
    if strategy.kind == "Recreate" {
        return 0;
    }
    let stated = strategy
        .rolling_update
        .as_ref()
        .and_then(|rolling| rolling.max_surge.as_ref());
    let share = |percent: usize| pods.saturating_mul(percent).div_ceil(100);
    match stated {
        Some(Port::Number(number)) => usize::from(*number),
        Some(Port::Name(text)) => text
            .strip_suffix('%')
            .and_then(|percent| percent.parse().ok())
            .map_or_else(|| share(25), share),
        None => share(25),
    }
}

/// The pods that are not there yet; `owners` tells whose a pod is, by the number of the demand.
fn still_missing<'a>(
    demands: &'a [Demand<'a>],
    places: &[Place<'a, '_>],
    owners: impl Fn(&Load<'a>) -> Vec<usize>,
    namespace: &'a str,
    defaults: &'a BTreeMap<String, Quantity>,
) -> Vec<Load<'a>> {
    let mut there = vec![0; demands.len()];
    for load in places.iter().flat_map(|place| &place.loads) {
        for owner in owners(load) {
            there[owner] += 1;
        }
    }
    let mut missing = Vec::new();
    for (demand, there) in demands.iter().zip(there) {
        let load = Load {
            origin: &demand.object,
            namespace,
            labels: &demand.template.metadata.labels,
            spec: &demand.template.spec,
            amounts: requests(&demand.template.spec, defaults).into(),
        };
        // A count of the cluster is not trusted: more than this never fits, and is enough to show it.
        missing.extend(std::iter::repeat_n(load, demand.pods.saturating_sub(there).min(10_000)));
    }
    missing
}

/// The pods that hold room on nodes.
struct Running<'a>(Vec<Bound<'a>>);

/// A pod that is bound to a node.
struct Bound<'a> {
    node: &'a str,
    /// It comes back elsewhere when its node is lost: it has a controller that is not bound to the node itself.
    returns: bool,
    load: Load<'a>,
}

/// Pods that run have their defaults written in them.
static NO_DEFAULTS: BTreeMap<String, Quantity> = BTreeMap::new();

/// Rules and labels of pods of other namespaces are not known, and none hold here.
static NO_RULES: LazyLock<PodSpec> = LazyLock::new(PodSpec::default);
static NO_LABELS: Labels = Labels::new();

impl<'a> Running<'a> {
    fn of(pods: &'a [Pod], strangers: &'a [Stranger]) -> Self {
        let returns = |controller: Option<&str>| !matches!(controller, None | Some("DaemonSet" | "Node"));
        // Siblings ask for the same, and there are thousands of them.
        let mut of_specs: HashMap<*const PodSpec, Rc<Amounts<'a>>> = HashMap::new();
        let mut of_strangers: HashMap<*const _, Rc<Amounts<'a>>> = HashMap::new();
        let own = pods.iter().filter(|pod| pod.takes_room()).map(|pod| Bound {
            node: &pod.node_name,
            returns: returns(pod.metadata.controller().map(|owner| owner.kind.as_str())),
            load: Load {
                origin: &pod.metadata.name,
                namespace: &pod.metadata.namespace,
                labels: &pod.metadata.labels,
                spec: &pod.spec,
                amounts: of_specs
                    .entry(&raw const *pod.spec)
                    .or_insert_with(|| requests(&pod.spec, &NO_DEFAULTS).into())
                    .clone(),
            },
        });
        let others = strangers.iter().filter(|stranger| stranger.takes_room());
        let others = others.map(|stranger| Bound {
            node: &stranger.node,
            returns: returns(stranger.workload.as_ref().map(|owner| owner.kind.as_str())),
            load: Load {
                origin: &stranger.name,
                namespace: &stranger.namespace,
                labels: &NO_LABELS,
                spec: &NO_RULES,
                amounts: of_strangers
                    .entry(&raw const *stranger.reserved)
                    .or_insert_with(|| reserved(stranger).into())
                    .clone(),
            },
        });
        Self(own.chain(others).collect())
    }

    fn places<'l>(&'l self, nodes: &'a [Node], keep: impl Fn(&Node) -> bool) -> Vec<Place<'a, 'l>> {
        let mut places: Vec<_> = nodes.iter().filter(|node| keep(node)).map(Place::new).collect();
        let index: BTreeMap<&str, usize> = places
            .iter()
            .enumerate()
            .map(|(index, place)| (place.node.metadata.name.as_str(), index))
            .collect();
        for bound in &self.0 {
            if let Some(index) = index.get(bound.node) {
                places[*index].take(&bound.load);
            }
        }
        places
    }

    /// Pods on these nodes that come back elsewhere.
    fn set_free(&self, nodes: &[&str], which: impl Fn(&Load<'a>) -> bool) -> Vec<Load<'a>> {
        let lost = self
            .0
            .iter()
            .filter(|bound| nodes.contains(&bound.node) && bound.returns && which(&bound.load));
        lost.map(|bound| bound.load.clone()).collect()
    }
}

/// The names of the nodes, the one with the most room first.
fn largest(nodes: &[Node]) -> impl Iterator<Item = &str> {
    let amount = |node: &Node, resource: &str| {
        let quantity = node.status.allocatable.get(resource);
        quantity.and_then(Quantity::milli).unwrap_or_default()
    };
    let mut nodes: Vec<_> = nodes.iter().collect();
    nodes.sort_by_key(|node| std::cmp::Reverse((amount(node, "memory"), amount(node, "cpu"))));
    nodes.into_iter().map(|node| node.metadata.name.as_str())
}

/// What the namespace gives to containers that state neither request nor limit.
fn default_requests(limit_ranges: &[LimitRange]) -> BTreeMap<String, Quantity> {
    let items = limit_ranges.iter().flat_map(|range| &range.spec.limits);
    let mut defaults = BTreeMap::new();
    for item in items.filter(|item| item.kind == "Container") {
        for (resource, quantity) in item.default_request.iter().chain(&item.default_limits) {
            defaults.entry(resource.clone()).or_insert_with(|| quantity.clone());
        }
    }
    defaults
}
