//! Bin-packing: whether pods find room on nodes under the scheduler's hard rules.
//!
//! Pods that run stay where they are, as the scheduler leaves them; only those that are missing are placed, the largest
//! first. Several orders are tried, since one of them may fail where another fits.

use std::{cmp::Reverse, collections::BTreeMap, rc::Rc};

use super::{amounts::Amounts, neighbours::Neighbours};
use crate::snapshot::{
    Labels, PodSpec,
    cluster::{Node, Taint},
    condition,
    metadata::Requirement,
};

/// A pod that runs, or that needs a place.
#[derive(Clone)]
pub(super) struct Load<'a> {
    /// Where it comes from: `deployment/api-management`.
    pub(super) origin: &'a str,
    /// Its namespace: rules between pods hold inside one.
    pub(super) namespace: &'a str,
    /// Its labels.
    pub(super) labels: &'a Labels,
    /// Its rules.
    pub(super) spec: &'a PodSpec,
    /// What it takes.
    pub(super) amounts: Rc<Amounts<'a>>,
}

/// A node and what stands on it.
#[derive(Clone)]
pub(super) struct Place<'a, 'l> {
    /// The node.
    pub(super) node: &'a Node,
    /// What stands on it.
    pub(super) loads: Vec<&'l Load<'a>>,
    /// Those of them that keep others away.
    pub(super) repelling: Vec<&'l Load<'a>>,
    free: Amounts<'a>,
}

impl<'a, 'l> Place<'a, 'l> {
    /// An empty node.
    pub(super) fn new(node: &'a Node) -> Self {
        let allocatable = node.status.allocatable.iter();
        let free = allocatable.filter_map(|(resource, quantity)| Some((resource.as_str(), quantity.milli()?)));
        Self {
            node,
            free: free.collect(),
            loads: Vec::new(),
            repelling: Vec::new(),
        }
    }

    /// Puts a load on it, whether it fits or not: it runs there already.
    pub(super) fn take(&mut self, load: &'l Load<'a>) {
        self.free.subtract(&load.amounts);
        self.loads.push(load);
        let away = &load.spec.affinity.pod_anti_affinity;
        if !away.required_during_scheduling_ignored_during_execution.is_empty() {
            self.repelling.push(load);
        }
    }

    /// What is left of a resource.
    pub(super) fn free(&self, resource: &str) -> i128 {
        self.free.get(resource)
    }
}

/// Which node is tried first.
#[derive(Clone, Copy)]
enum Preference {
    /// The first that fits.
    First,
    /// The one with the most left.
    Emptiest,
}

/// Places every load, or says which one found no place and why. The places are changed only when all fit.
pub(super) fn place<'a, 'l>(places: &mut Vec<Place<'a, 'l>>, loads: &'l [Load<'a>]) -> Result<(), String> {
    let mut reason = None;
    for resource in ["memory", "cpu"] {
        for preference in [Preference::First, Preference::Emptiest] {
            let mut trial = places.clone();
            match place_in_order(&mut trial, loads, resource, preference) {
                Ok(()) => {
                    *places = trial;
                    return Ok(());
                }
                Err(why) => _ = reason.get_or_insert(why),
            }
        }
    }
    Err(reason.unwrap_or_default())
}

fn place_in_order<'a, 'l>(
    places: &mut [Place<'a, 'l>],
    loads: &'l [Load<'a>],
    by: &str,
    preference: Preference,
) -> Result<(), String> {
    let mut ordered: Vec<_> = loads.iter().collect();
    ordered.sort_by_key(|load| (Reverse(load.amounts.get(by)), load.origin));
    // Pods of one origin are alike: without rules between pods, nodes that were full for one stay full for the next.
    let mut run: Option<Run<'_>> = None;
    for (placed, load) in ordered.iter().enumerate() {
        let same = run
            .take()
            .filter(|run| run.origin == load.origin && run.neighbours.is_plain());
        let Run { neighbours, from, .. } = same.unwrap_or_else(|| Run {
            origin: load.origin,
            neighbours: Neighbours::of(load, places),
            from: 0,
        });
        let mut fitting = (from..places.len()).filter(|index| obstacle(&places[*index], load, &neighbours).is_none());
        let chosen = match preference {
            Preference::First => fitting.next(),
            Preference::Emptiest => fitting.max_by_key(|index| (places[*index].free(by), Reverse(*index))),
        };
        let Some(chosen) = chosen else {
            let rest = &ordered[placed..];
            let waiting = rest.iter().filter(|other| other.origin == load.origin).count();
            return Err(format!(
                "no node for {waiting} pod{} of {} ({})",
                if waiting == 1 { "" } else { "s" },
                load.origin,
                obstacles(places, load, &neighbours)
            ));
        };
        places[chosen].take(load);
        run = Some(Run {
            origin: load.origin,
            neighbours,
            from: if matches!(preference, Preference::First) {
                chosen
            } else {
                0
            },
        });
    }
    Ok(())
}

/// Pods of one origin that are placed one after the other.
struct Run<'n> {
    origin: &'n str,
    neighbours: Neighbours<'n>,
    /// Nodes before this one are full for them.
    from: usize,
}

/// `2 nodes: insufficient memory, 1 node: cordoned`.
fn obstacles(places: &[Place<'_, '_>], load: &Load<'_>, neighbours: &Neighbours<'_>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for why in places.iter().filter_map(|place| obstacle(place, load, neighbours)) {
        *counts.entry(why).or_default() += 1;
    }
    if counts.is_empty() {
        return "there is no node".to_owned();
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| Reverse(*count));
    let parts = counts.into_iter().take(3).map(|(why, count)| {
        let plural = if count == 1 { "" } else { "s" };
        format!("{count} node{plural}: {why}")
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// Why a load cannot go to a place; `None` when it can.
fn obstacle(place: &Place<'_, '_>, load: &Load<'_>, neighbours: &Neighbours<'_>) -> Option<String> {
    let lacking = || {
        let mut amounts = load.amounts.iter();
        let lacking = amounts.find(|(resource, amount)| *amount > 0 && place.free(resource) < *amount);
        lacking.map(|(resource, _)| format!("insufficient {resource}"))
    };
    node_obstacle(place.node, load.spec)
        .or_else(lacking)
        .or_else(|| neighbours.obstacle(&place.node.metadata))
}

/// Why a node does not take a pod, whatever stands on it.
fn node_obstacle(node: &Node, spec: &PodSpec) -> Option<String> {
    if condition(&node.status.conditions, "Ready").is_none_or(|ready| ready.status != "True") {
        return Some("not ready".into());
    }
    let cordon = Taint {
        key: "node.kubernetes.io/unschedulable".into(),
        effect: "NoSchedule".into(),
        ..Taint::default()
    };
    if node.spec.unschedulable && !cordon.is_tolerated(&spec.tolerations) {
        return Some("cordoned".into());
    }
    let mut taints = node.spec.taints.iter();
    let taint = taints.find(|taint| taint.effect != "PreferNoSchedule" && !taint.is_tolerated(&spec.tolerations));
    if let Some(taint) = taint {
        return Some(format!("untolerated taint {}", taint.key));
    }
    (!may_go_to(node, spec)).then(|| "node selector or affinity".into())
}

/// Whether a pod's node selector and required node affinity select a node.
pub(super) fn may_go_to(node: &Node, spec: &PodSpec) -> bool {
    let labels = &node.metadata.labels;
    let mut selector = spec.node_selector.iter();
    let affinity = &spec.affinity.node_affinity;
    let terms = &affinity
        .required_during_scheduling_ignored_during_execution
        .node_selector_terms;
    // A term without requirements selects nothing.
    let all = |requirements: &[Requirement]| {
        !requirements.is_empty() && requirements.iter().all(|requirement| requirement.matches(labels))
    };
    selector.all(|(key, value)| labels.get(key) == Some(value))
        && (terms.is_empty() || terms.iter().any(|term| all(&term.match_expressions)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{checklist::infrastructure::amounts::requests, snapshot::PodTemplate};

    fn node(name: &str, zone: &str, memory: &str, more: &str) -> Node {
        serde_yaml::from_str(&format!(
            "metadata: {{name: {name}, labels: {{kubernetes.io/hostname: {name}, zone: {zone}}}}}\n\
             spec: {{{more}}}\n\
             status: {{allocatable: {{cpu: '4', memory: {memory}, pods: '10'}}, conditions: [{{type: Ready, status: 'True'}}]}}"
        ))
        .unwrap()
    }

    fn template(memory: &str, more: &str) -> PodTemplate {
        serde_yaml::from_str(&format!(
            "metadata: {{labels: {{app: a}}}}\n\
             spec: {{containers: [{{name: c, resources: {{requests: {{cpu: 100m, memory: {memory}}}}}}}], {more}}}"
        ))
        .unwrap()
    }

    fn outcome(nodes: &[Node], templates: &[(PodTemplate, usize)]) -> Result<Vec<usize>, String> {
        let defaults = BTreeMap::new();
        let loads: Vec<_> = templates
            .iter()
            .flat_map(|(template, count)| {
                let load = Load {
                    origin: "deployment/a",
                    namespace: "shop",
                    labels: &template.metadata.labels,
                    spec: &template.spec,
                    amounts: requests(&template.spec, &defaults).into(),
                };
                vec![load; *count]
            })
            .collect();
        let mut places: Vec<_> = nodes.iter().map(Place::new).collect();
        place(&mut places, &loads).map(|()| places.iter().map(|place| place.loads.len()).collect())
    }

    #[test]
    fn the_sum_may_be_enough_where_no_single_node_is() {
        let nodes = [node("n1", "a", "1Gi", ""), node("n2", "a", "1Gi", "")];
        let why = outcome(&nodes, &[(template("1500Mi", ""), 1)]).unwrap_err();
        assert_eq!(why, "no node for 1 pod of deployment/a (2 nodes: insufficient memory)");
    }

    #[test]
    fn large_pods_are_placed_before_small_ones() {
        let nodes = [node("n1", "a", "1Gi", ""), node("n2", "a", "1Gi", "")];
        let pods = [(template("300Mi", ""), 2), (template("700Mi", ""), 2)];
        assert_eq!(outcome(&nodes, &pods).unwrap(), [2, 2]);
    }

    #[test]
    fn the_number_of_pods_is_a_resource() {
        let nodes = [node("n1", "a", "64Gi", "")];
        let why = outcome(&nodes, &[(template("1Mi", ""), 11)]).unwrap_err();
        assert!(why.contains("insufficient pods"), "{why}");
    }

    #[test]
    fn taints_cordons_and_selectors_keep_pods_away() {
        let tainted = [node(
            "n1",
            "a",
            "4Gi",
            "taints: [{key: db, value: x, effect: NoSchedule}]",
        )];
        let why = outcome(&tainted, &[(template("1Mi", ""), 1)]).unwrap_err();
        assert!(why.contains("untolerated taint db"), "{why}");
        let bearing = template("1Mi", "tolerations: [{key: db, operator: Exists}]");
        assert!(outcome(&tainted, &[(bearing, 1)]).is_ok());

        let cordoned = [node("n1", "a", "4Gi", "unschedulable: true")];
        assert!(
            outcome(&cordoned, &[(template("1Mi", ""), 1)])
                .unwrap_err()
                .contains("cordoned")
        );

        let plain = [node("n1", "a", "4Gi", "")];
        let elsewhere = template("1Mi", "nodeSelector: {zone: b}");
        assert!(
            outcome(&plain, &[(elsewhere, 1)])
                .unwrap_err()
                .contains("node selector")
        );
        let required = "affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: \
                        [{matchExpressions: [{key: zone, operator: In, values: [a]}]}]}}}";
        assert!(outcome(&plain, &[(template("1Mi", required), 1)]).is_ok());
    }

    #[test]
    fn anti_affinity_needs_as_many_nodes_as_pods() {
        let apart = "affinity: {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution: \
                     [{topologyKey: kubernetes.io/hostname, labelSelector: {matchLabels: {app: a}}}]}}";
        let nodes = [node("n1", "a", "4Gi", ""), node("n2", "a", "4Gi", "")];
        assert_eq!(outcome(&nodes, &[(template("1Mi", apart), 2)]).unwrap(), [1, 1]);
        let why = outcome(&nodes, &[(template("1Mi", apart), 3)]).unwrap_err();
        assert!(why.contains("anti-affinity"), "{why}");
        // The rule also keeps away a pod that has no rule of its own.
        let nodes = [node("n1", "a", "4Gi", "")];
        let pods = [(template("2Mi", apart), 1), (template("1Mi", ""), 1)];
        assert!(outcome(&nodes, &pods).unwrap_err().contains("anti-affinity"));
    }

    #[test]
    fn a_group_that_wants_to_be_together_may_start_anywhere() {
        let together = "affinity: {podAffinity: {requiredDuringSchedulingIgnoredDuringExecution: \
                        [{topologyKey: zone, labelSelector: {matchLabels: {app: a}}}]}}";
        let nodes = [node("n1", "a", "20Mi", ""), node("n2", "b", "4Gi", "")];
        assert_eq!(outcome(&nodes, &[(template("15Mi", together), 3)]).unwrap(), [0, 3]);
    }

    #[test]
    fn spreading_counts_the_zones_that_a_pod_may_go_to() {
        let spread = "topologySpreadConstraints: [{topologyKey: zone, maxSkew: 1, whenUnsatisfiable: DoNotSchedule, \
                      labelSelector: {matchLabels: {app: a}}}]";
        let nodes = [node("n1", "a", "4Gi", ""), node("n2", "b", "20Mi", "")];
        assert_eq!(outcome(&nodes, &[(template("15Mi", spread), 3)]).unwrap(), [2, 1]);
        let why = outcome(&nodes, &[(template("15Mi", spread), 4)]).unwrap_err();
        assert!(why.contains("spreading over zone"), "{why}");
        let anyway = spread.replace("DoNotSchedule", "ScheduleAnyway");
        assert!(outcome(&nodes, &[(template("15Mi", &anyway), 4)]).is_ok());
    }
}
