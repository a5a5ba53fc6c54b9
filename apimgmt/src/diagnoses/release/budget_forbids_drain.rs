//! A disruption budget lets no pod be evicted although all are well: no node can be drained.

use crate::{
    diagnoses::{Diagnosis, Directness, Finding, Topic, Weight, scene::Scene},
    snapshot::{Source, Unreadable, disruption_budgets::DisruptionBudget},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "budget-forbids-drain",
    topic: Topic::Release,
    symptom: "`kubectl drain` waits forever, and upgrades of nodes with it",
    cause: "The PodDisruptionBudget demands as many pods as there are",
    reads: &[Source::PodDisruptionBudgets],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let mut budgets: Vec<_> = scene.snapshot.pod_disruption_budgets()?.iter().collect();
    budgets.sort_by_key(|budget| &budget.metadata.name);
    let forbidding = budgets.into_iter().filter(|budget| forbids_all(budget));
    Ok(forbidding.map(|budget| finding(scene, budget)).collect())
}

/// All of its pods are well, and none may go. While some are not well, none may go for a while: that is its purpose.
fn forbids_all(budget: &DisruptionBudget) -> bool {
    let status = &budget.status;
    let is_current = status.observed_generation >= budget.metadata.generation;
    is_current
        && status.expected_pods > 0
        && status.current_healthy >= status.expected_pods
        && status.disruptions_allowed == 0
}

fn finding(scene: &Scene<'_>, budget: &DisruptionBudget) -> Finding {
    let object = format!("poddisruptionbudget/{}", budget.metadata.name);
    let status = &budget.status;
    let asked = match (&budget.spec.min_available, &budget.spec.max_unavailable) {
        (Some(least), _) => ("spec.minAvailable", least.to_string()),
        (None, Some(most)) => ("spec.maxUnavailable", most.to_string()),
        (None, None) => ("spec", String::new()),
    };
    let finding = Finding::new(
        DIAGNOSIS.id,
        &object,
        format!(
            "{object} lets none of its {} pods be evicted though all are healthy: it demands {}",
            status.expected_pods, status.desired_healthy
        ),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Said)
    .because([
        scene.field(Source::PodDisruptionBudgets, &object, asked.0, asked.1),
        scene.field(
            Source::PodDisruptionBudgets,
            &object,
            "status.disruptionsAllowed",
            format!("0 with {} of {} healthy", status.current_healthy, status.expected_pods),
        ),
    ])
    .not("a pod is down and the budget waits for it", "all of them are healthy");
    let patched = finding.mend(format!(
        "kubectl patch {object} -n {} --type=merge -p '{{\"spec\":{{\"minAvailable\":null,\"maxUnavailable\":1}}}}'",
        scene.namespace()
    ));
    if status.expected_pods == 1 {
        patched.mend("Run two pods of it, so that one may go without an outage")
    } else {
        patched
    }
}
