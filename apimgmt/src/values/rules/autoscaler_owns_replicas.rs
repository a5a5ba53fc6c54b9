//! Who scales a workload is one alone.

use super::{Broken, Facts, Rule, Weight};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "autoscaler-owns-replicas",
    title: "What an autoscaler scales says no number of replicas",
    severity: Weight::Warn,
    why: "Each upgrade takes the pods back to that number in the midst of a load; under server-side apply it fails with a conflict.",
    fix: "Leave `spec.replicas` out of the workload while its autoscaler is rendered.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let workloads = facts.workloads.iter().filter_map(|workload| {
        let autoscaler = facts.autoscaler(workload)?;
        let replicas = workload.spec.replicas?;
        let text = format!(
            "says {replicas} replicas, and horizontalpodautoscaler/{} scales it",
            autoscaler.metadata.name
        );
        Some(Broken::new(workload.object(), text))
    });
    workloads.collect()
}
