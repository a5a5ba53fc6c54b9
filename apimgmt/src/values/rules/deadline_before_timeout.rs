//! A rollout that stands still is called failed before Helm gives up.

use super::{Broken, Facts, Rule, Weight};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "deadline-before-timeout",
    title: "A rollout's deadline is below Helm's timeout",
    severity: Weight::Warn,
    why: "Helm gives up first, and its message is a timeout instead of the cause.",
    fix: "Lower `progressDeadlineSeconds`, or raise `--timeout`.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let timeout = facts.timeout.as_secs();
    let workloads = facts.workloads.iter().filter_map(|workload| {
        // What says nothing of it has Kubernetes' 600 s: most charts of the world, and no choice of theirs.
        let deadline = workload
            .spec
            .progress_deadline_seconds
            .filter(|deadline| *deadline >= timeout)?;
        let text = format!("progressDeadlineSeconds {deadline} is not below the timeout of {timeout} s");
        (workload.kind == "Deployment").then(|| Broken::new(workload.object(), text))
    });
    workloads.collect()
}
