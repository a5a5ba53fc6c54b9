//! A disruption budget lets a node be drained.

use serde::Deserialize;

use super::{Broken, Facts, Rule, Weight};
use crate::snapshot::{LabelSelector, Metadata, Port};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "evictions-allowed",
    title: "A disruption budget lets at least one pod go",
    severity: Weight::Warn,
    why: "No node with such a pod can be drained: the next upgrade of the cluster waits for ever.",
    fix: "Set `maxUnavailable: 1`, or more replicas than `minAvailable`.",
    judge,
};

#[derive(Default, Deserialize)]
#[serde(default)]
struct Budget {
    metadata: Metadata,
    spec: BudgetSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct BudgetSpec {
    selector: LabelSelector,
    min_available: Option<Port>,
    max_unavailable: Option<Port>,
}

fn judge(facts: &Facts) -> Vec<Broken> {
    let budgets = facts.all::<Budget>("PodDisruptionBudget");
    budgets.iter().filter_map(|budget| judged(facts, budget)).collect()
}

fn judged(facts: &Facts, budget: &Budget) -> Option<Broken> {
    let object = format!("poddisruptionbudget/{}", budget.metadata.name);
    let selected = facts
        .workloads
        .iter()
        .filter(|workload| workload.serves() && budget.spec.selector.matches(&workload.template.metadata.labels));
    let selected: Vec<_> = selected.collect();
    let pods: i64 = selected.iter().map(|workload| facts.count(workload).least).sum();
    let [first, ..] = selected.as_slice() else {
        return None;
    };
    // Percentages are rounded up, of both.
    let of = |port: &Port| match port {
        Port::Number(number) => Some(i64::from(*number)),
        Port::Name(text) => Some((text.strip_suffix('%')?.parse::<i64>().ok()? * pods + 99) / 100),
    };
    let text = match (&budget.spec.min_available, &budget.spec.max_unavailable) {
        (_, Some(most)) if of(most) == Some(0) => format!("maxUnavailable {most} lets no pod of {} go", first.object()),
        (Some(least), _) if pods > 0 && of(least)? >= pods => {
            format!(
                "minAvailable {least} of the {pods} pods of {} lets none go",
                first.object()
            )
        }
        _ => return None,
    };
    Some(Broken::new(object, text))
}
