//! Redis stays within its container.

use super::{
    Broken, Facts, Rule, Weight,
    redis::{all, mebibytes},
};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "cache-fits-memory",
    title: "Redis keeps less than its container may use",
    severity: Weight::Refuse,
    why: "The kernel kills Redis before it begins to evict.",
    fix: "Lower `maxmemory` to 60 % of the container's memory limit, or raise the limit.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let servers = all(facts).into_iter().filter(|redis| redis.maximum >= redis.limit);
    let told = servers.map(|redis| {
        let (maximum, limit) = (mebibytes(redis.maximum), mebibytes(redis.limit));
        Broken::new(
            redis.object,
            format!("maxmemory {maximum} is not below the memory limit of {limit}"),
        )
    });
    told.collect()
}
