//! The scheduler's hard rules between pods: affinity, anti-affinity and spreading, inside one namespace.

use std::collections::{BTreeMap, BTreeSet};

use super::packing::{Load, Place, may_go_to};
use crate::snapshot::{LabelSelector, Metadata, pods::PodAffinityTerm};

/// What the pods that stand already mean for one more.
pub(super) struct Neighbours<'n> {
    /// Domains, by topology key, that anti-affinity closes.
    closed: BTreeMap<&'n str, BTreeSet<&'n str>>,
    /// Domains where its affinity finds a partner; `None` where it is the first of its own group.
    wanted: Vec<(&'n str, Option<BTreeSet<&'n str>>)>,
    /// Pods in each domain, and how many more the fullest may have.
    spread: Vec<Spread<'n>>,
}

struct Spread<'n> {
    key: &'n str,
    counts: BTreeMap<&'n str, i64>,
    itself: i64,
    skew: i64,
}

impl<'n> Neighbours<'n> {
    /// Looks at everything that stands.
    pub(super) fn of<'a: 'n>(load: &'n Load<'a>, places: &[Place<'a, '_>]) -> Self {
        let mut closed: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        let rules = &load.spec.affinity;
        for term in required(&rules.pod_anti_affinity) {
            let domains = domains_with(places, load, term);
            closed.entry(term.topology_key.as_str()).or_default().extend(domains);
        }
        for place in places {
            for other in &place.repelling {
                for term in required(&other.spec.affinity.pod_anti_affinity) {
                    if let (true, Some(domain)) = (
                        selects(&term.label_selector, other, load),
                        place.node.metadata.label(&term.topology_key),
                    ) {
                        closed.entry(term.topology_key.as_str()).or_default().insert(domain);
                    }
                }
            }
        }
        let wanted = required(&rules.pod_affinity).iter().map(|term| {
            let domains = domains_with(places, load, term);
            let first = domains.is_empty() && selects(&term.label_selector, load, load);
            (term.topology_key.as_str(), (!first).then_some(domains))
        });
        let spread = load.spec.topology_spread_constraints.iter();
        let spread = spread
            .filter(|spread| spread.when_unsatisfiable != "ScheduleAnyway")
            .map(|spread| {
                let mut counts = BTreeMap::new();
                for place in places.iter().filter(|place| may_go_to(place.node, load.spec)) {
                    if let Some(domain) = place.node.metadata.label(&spread.topology_key) {
                        let there = place.loads.iter();
                        let there = there
                            .filter(|other| selects(&spread.label_selector, load, other))
                            .count();
                        *counts.entry(domain).or_default() += i64::try_from(there).unwrap_or(i64::MAX);
                    }
                }
                Spread {
                    key: &spread.topology_key,
                    counts,
                    itself: i64::from(selects(&spread.label_selector, load, load)),
                    skew: spread.max_skew.max(1),
                }
            });
        Self {
            closed,
            wanted: wanted.collect(),
            spread: spread.collect(),
        }
    }

    /// Whether no rule concerns the pod.
    pub(super) fn is_plain(&self) -> bool {
        self.closed.is_empty() && self.wanted.is_empty() && self.spread.is_empty()
    }

    /// Why a node is closed to the pod; `None` when it is not.
    pub(super) fn obstacle(&self, node: &Metadata) -> Option<String> {
        let inside =
            |key: &str, domains: &BTreeSet<&str>| node.label(key).is_some_and(|domain| domains.contains(domain));
        if self.closed.iter().any(|(key, domains)| inside(key, domains)) {
            return Some("anti-affinity".into());
        }
        let wanted = self.wanted.iter().all(|(key, domains)| match domains {
            Some(domains) => inside(key, domains),
            None => node.label(key).is_some(),
        });
        if !wanted {
            return Some("pod affinity".into());
        }
        let uneven = self.spread.iter().find(|spread| {
            let fewest = spread.counts.values().copied().min().unwrap_or_default();
            let there = node.label(spread.key).and_then(|domain| spread.counts.get(domain));
            there.is_none_or(|there| there + spread.itself - fewest > spread.skew)
        });
        uneven.map(|spread| format!("spreading over {}", spread.key))
    }
}

/// The domains of a term that have a pod it selects.
fn domains_with<'a>(places: &[Place<'a, '_>], load: &Load<'_>, term: &PodAffinityTerm) -> BTreeSet<&'a str> {
    let occupied = places.iter().filter(|place| {
        let mut there = place.loads.iter();
        there.any(|other| selects(&term.label_selector, load, other))
    });
    occupied
        .filter_map(|place| place.node.metadata.label(&term.topology_key))
        .collect()
}

fn selects(selector: &LabelSelector, from: &Load<'_>, load: &Load<'_>) -> bool {
    from.namespace == load.namespace && selector.matches(load.labels)
}

fn required(rules: &crate::snapshot::pods::PodAffinity) -> &[PodAffinityTerm] {
    &rules.required_during_scheduling_ignored_during_execution
}
