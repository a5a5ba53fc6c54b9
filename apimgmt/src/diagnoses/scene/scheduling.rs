//! Pods that the scheduler could not place, and its reasons.

use std::collections::BTreeMap;

use super::Scene;
use crate::snapshot::{Pod, Quantity, Unreadable, condition, pods::Container};

/// Pods of one workload that were not placed for the same reasons.
pub(crate) struct Unplaced<'a> {
    /// The workload, `kind/name`.
    pub(crate) workload: String,
    /// The pods, by name; never empty.
    pub(crate) pods: Vec<&'a Pod>,
    /// Its reasons, each with the number of nodes.
    pub(crate) reasons: Vec<(usize, &'a str)>,
}

impl<'a> Unplaced<'a> {
    /// Whether one of the reasons contains some words.
    pub(crate) fn has(&self, words: &str) -> bool {
        self.reasons.iter().any(|(_, reason)| reason.contains(words))
    }

    /// Whether its volume is on nodes that it does not get.
    pub(crate) fn is_bound_elsewhere(&self) -> bool {
        self.has("volume node affinity conflict") || self.has("match PersistentVolume's node affinity")
    }

    /// Whether some node would do but for its room.
    pub(crate) fn lacks_room(&self) -> bool {
        self.has("Insufficient ") || self.has("Too many pods")
    }

    /// The first pod, which stands for the others.
    pub(crate) fn first(&self) -> &'a Pod {
        self.pods[0]
    }

    /// The pods, `pod/NAME`.
    pub(crate) fn objects(&self) -> Vec<String> {
        self.pods.iter().map(|pod| pod.object()).collect()
    }
}

impl<'a> Scene<'a> {
    /// What the scheduler could not place, by workload.
    pub(crate) fn unplaced(&self) -> Result<Vec<Unplaced<'a>>, Unreadable> {
        let mut groups: BTreeMap<String, Unplaced<'a>> = BTreeMap::new();
        for pod in self.current()?.iter().copied() {
            let said = condition(&pod.status.conditions, "PodScheduled")
                .filter(|it| it.status == "False" && it.reason == "Unschedulable");
            let Some(said) = said else {
                continue;
            };
            let workload = self.workload(pod);
            let group = groups.entry(workload.clone()).or_insert_with(|| Unplaced {
                workload,
                pods: Vec::new(),
                reasons: reasons(&said.message),
            });
            group.pods.push(pod);
        }
        Ok(groups.into_values().collect())
    }
}

/// `0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). preemption: …`
fn reasons(message: &str) -> Vec<(usize, &str)> {
    let Some((_, rest)) = message.split_once("nodes are available: ") else {
        return vec![(0, message)];
    };
    let said = rest
        .split_once(". ")
        .map_or(rest, |(said, _)| said)
        .trim_end_matches('.');
    let reason = |part| match str::split_once(part, ' ') {
        Some((count, reason)) if count.parse::<usize>().is_ok() => (count.parse().unwrap_or(0), reason),
        _ => (0, part),
    };
    said.split(", ").map(reason).collect()
}

/// What a pod reserves of a resource, in thousandths: its containers and sidecars together, or its largest init container.
pub(crate) fn requested(pod: &Pod, resource: &str) -> i128 {
    let of = |container: &Container| {
        container
            .resources
            .requests
            .get(resource)
            .and_then(Quantity::milli)
            .unwrap_or(0)
    };
    let is_sidecar = |container: &&Container| container.restart_policy.as_deref() == Some("Always");
    let initial = &pod.spec.init_containers;
    let together: i128 = pod
        .spec
        .containers
        .iter()
        .chain(initial.iter().filter(is_sidecar))
        .map(of)
        .sum();
    let largest = initial
        .iter()
        .filter(|container| !is_sidecar(container))
        .map(of)
        .max()
        .unwrap_or(0);
    together.max(largest) + pod.spec.overhead.get(resource).and_then(Quantity::milli).unwrap_or(0)
}

/// An amount as people write it: `1.5 CPU`, `640 MiB`.
pub(crate) fn amount(resource: &str, milli: i128) -> String {
    const MEBI: i128 = 1 << 20;
    let tenths = |value: i128, unit: i128| {
        let tenths = value * 10 / unit;
        if tenths % 10 == 0 {
            format!("{}", tenths / 10)
        } else {
            format!("{}.{}", tenths / 10, tenths % 10)
        }
    };
    let units = milli / 1000;
    match resource {
        "cpu" if milli % 1000 != 0 && milli < 1000 => format!("{milli}m CPU"),
        "cpu" => format!("{} CPU", tenths(milli, 1000)),
        "memory" | "ephemeral-storage" if units >= 10 * 1024 * MEBI => format!("{} GiB", tenths(units, 1024 * MEBI)),
        "memory" | "ephemeral-storage" => format!("{} MiB", tenths(units, MEBI)),
        other => format!("{units} {other}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_schedulers_reasons_are_told_apart_and_preemption_is_left_out() {
        let message = "0/3 nodes are available: 1 Insufficient cpu, 2 node(s) had untolerated taint(s). no new claims to deallocate, preemption: 0/3 nodes are available: 1 No preemption victims found for incoming pod.";
        assert_eq!(
            reasons(message),
            [(1, "Insufficient cpu"), (2, "node(s) had untolerated taint(s)")]
        );
        assert_eq!(
            reasons("0/1 nodes are available: 1 Insufficient memory."),
            [(1, "Insufficient memory")]
        );
        assert_eq!(reasons("pod has a gate"), [(0, "pod has a gate")]);
    }

    #[test]
    fn amounts_read_well() {
        assert_eq!(amount("cpu", 250), "250m CPU");
        assert_eq!(amount("cpu", 1500), "1.5 CPU");
        assert_eq!(amount("memory", (640 << 20) * 1000), "640 MiB");
    }
}
