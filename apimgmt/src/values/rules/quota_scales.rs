//! The autoscaler's maximum fits into the quota.

use super::{Broken, Facts, Rule, Weight, quota::exceeded};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "quota-scales",
    title: "The rendered quota has room for every autoscaler's maximum",
    severity: Weight::Warn,
    why: "Under load, or in the midst of a rollout, the pods that are needed most are not made.",
    fix: "Raise the quota, or lower `maxReplicas`, `maxSurge` or requests.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    // What does not even fit at rest is told once, by the rule for that.
    let at_rest = exceeded(facts, |count| count.least);
    let excesses = exceeded(facts, |count| count.most).into_iter();
    let new = excesses.filter(|excess| {
        !at_rest
            .iter()
            .any(|known| known.object == excess.object && known.resource == excess.resource)
    });
    let told = new.map(|excess| {
        let text = format!(
            "has {} {}, and at most {} would be taken, most of it by {}",
            excess.hard, excess.resource, excess.taken, excess.largest
        );
        Broken::new(excess.object, text)
    });
    told.collect()
}
