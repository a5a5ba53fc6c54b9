//! A Redis that saves has room to fork.

use super::{
    Broken, Facts, Rule, Weight,
    redis::{all, mebibytes},
};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "cache-can-fork",
    title: "A Redis that saves has room to fork",
    severity: Weight::Warn,
    why: "A save copies the pages that change meanwhile: under load the kernel kills Redis in the midst of it.",
    fix: "Lower `maxmemory` to 60 % of the container's memory limit, raise the limit, or do without persistence.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    // The same three quarters that the item `cache/memory` asks of a running Redis.
    let servers = all(facts)
        .into_iter()
        .filter(|redis| redis.saves && redis.maximum < redis.limit && redis.maximum * 4 > redis.limit * 3);
    let told = servers.map(|redis| {
        let text = format!(
            "maxmemory {} leaves {} of its {} for a save",
            mebibytes(redis.maximum),
            mebibytes(redis.limit - redis.maximum),
            mebibytes(redis.limit)
        );
        Broken::new(redis.object, text)
    });
    told.collect()
}
