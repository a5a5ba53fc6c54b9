//! Figures out of what the cache tells.

use crate::snapshot::sessions::Redis;

/// A number of INFO.
pub(crate) fn number(redis: &Redis, name: &str) -> Option<i64> {
    redis.info.get(name)?.trim().parse().ok()
}

/// A word of INFO; empty where it is not told.
pub(crate) fn word<'r>(redis: &'r Redis, name: &str) -> &'r str {
    redis.info.get(name).map(String::as_str).unwrap_or_default()
}

/// How often an error was given: `errorstat_OOM:count=12`.
pub(crate) fn errors(redis: &Redis, name: &str) -> i64 {
    let told = word(redis, &format!("errorstat_{name}"));
    told.strip_prefix("count=")
        .and_then(|count| count.parse().ok())
        .unwrap_or(0)
}
