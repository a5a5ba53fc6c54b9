//! An autoscaler's range is one.

use super::{Broken, Facts, Rule, Weight};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "autoscaler-range",
    title: "An autoscaler's minimum is not above its maximum",
    severity: Weight::Refuse,
    why: "The API server refuses it, after other objects were changed.",
    fix: "Raise `maxReplicas`, or lower `minReplicas`.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let autoscalers = facts.autoscalers.iter().filter_map(|autoscaler| {
        let (least, most) = (autoscaler.spec.min_replicas.unwrap_or(1), autoscaler.spec.max_replicas);
        let object = format!("horizontalpodautoscaler/{}", autoscaler.metadata.name);
        (least > most).then(|| Broken::new(object, format!("minReplicas {least} is above maxReplicas {most}")))
    });
    autoscalers.collect()
}
