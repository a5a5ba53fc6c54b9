//! A workload selects its own pods.

use super::{Broken, Facts, Rule, Weight};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "selector-matches-template",
    title: "A workload's selector matches its own pods",
    severity: Weight::Refuse,
    why: "The API server refuses it, after other objects were changed.",
    fix: "Give `spec.template.metadata.labels` every label of `spec.selector`.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let workloads = facts.workloads.iter().filter(|workload| workload.serves());
    let wrong = workloads.filter(|workload| {
        let labels = &workload.template.metadata.labels;
        workload
            .spec
            .selector
            .as_ref()
            .is_none_or(|selector| !selector.matches(labels))
    });
    wrong
        .map(|workload| {
            Broken::new(
                workload.object(),
                "its selector does not match the labels of its own pods",
            )
        })
        .collect()
}
