//! What is installed fits into its own quota.

use super::{Broken, Facts, Rule, Weight, quota::exceeded};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "quota-fits",
    title: "The rendered quota has room for what is rendered",
    severity: Weight::Refuse,
    why: "The last pods or volumes are never made, and Helm waits for them until its timeout.",
    fix: "Raise the quota, or lower replicas, requests or volumes.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let excesses = exceeded(facts, |count| count.least).into_iter().map(|excess| {
        let text = format!(
            "has {} {}, and {} are taken, most of it by {}",
            excess.hard, excess.resource, excess.taken, excess.largest
        );
        Broken::new(excess.object, text)
    });
    excesses.collect()
}
