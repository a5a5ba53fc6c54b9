//! Redis has a memory limit with room to fork.

#![expect(clippy::cast_precision_loss, reason = "amounts are compared and shown, not counted")]

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, workload::roles},
    snapshot::{Quantity, Snapshot, Source, Unreadable, roles::Role, sessions::Redis},
    values::ExpectedCache,
};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/memory",
    title: "Redis has a memory limit with room to fork",
    stage: Stage::Pre,
    phase: Phase::Cache,
    severity: Severity::Blocking,
    why: "Without one the kernel kills Redis during a save.",
    fix: "Set `redis.maxmemory` below three quarters of the container's limit.",
    reads: &[
        Source::Redis,
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
        Source::Expectations,
    ],
    judge,
};

/// Largest share of a container's memory that `maxmemory` may take: a save forks, and pages that change meanwhile are
/// copied; buffers and the allocator need room too
/// (<https://redis.io/docs/latest/operate/oss_and_stack/management/admin/>, "Memory").
const SHARE: f64 = 0.75;

/// Fragmentation from which memory is wasted, and to how many bytes it must come to matter: a small cache always looks
/// fragmented (<https://redis.io/docs/latest/commands/info/>, `mem_fragmentation_ratio` and `_bytes`).
const FRAGMENTED: (f64, f64) = (1.5, 67_108_864.0);

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(redis) = snapshot.redis()? else {
        return Ok(Verdict::unknown(
            "no workload plays the cache, and `checklist.roles.cache` declares none",
        ));
    };
    let expected = row.read(snapshot.expectations()).map(|expected| &expected.cache);
    let role = roles(&mut row, snapshot).cache;
    let limit = expected.and_then(|expected| limit(&mut row, redis, role.as_ref(), expected));
    for server in redis.servers() {
        match server.unasked() {
            Some(why) => row.unseen(format!("{} was not asked: {why}", server.object)),
            None => bounds(&mut row, server, limit, expected),
        }
    }
    let maximum = redis.info.get("maxmemory").and_then(|text| text.parse().ok());
    let held = format!(
        "maxmemory {} of {}",
        maximum.map(size).unwrap_or_default(),
        limit.map(size).unwrap_or_default()
    );
    Ok(row.verdict(held))
}

/// One server, whichever part it plays now.
fn bounds(row: &mut Clauses<'_>, redis: &Redis, limit: Option<f64>, expected: Option<&ExpectedCache>) {
    let object = redis.object.as_str();
    let maximum = number(row, redis, "maxmemory");
    if let Some(maximum) = maximum {
        row.stable(Source::Redis, object, "maxmemory", size(maximum));
        if maximum <= 0.0 {
            let value = limit
                .map(|limit| format!(": set {}", size(limit * 0.6)))
                .unwrap_or_default();
            row.breach(format!(
                "{object} has no maxmemory, so it grows until it is killed{value}"
            ));
        } else if let Some(limit) = limit.filter(|limit| maximum > limit * SHARE) {
            row.breach(format!(
                "maxmemory {} leaves no room to fork in the limit of {}: set at most {}",
                size(maximum),
                size(limit),
                size(limit * SHARE)
            ));
        }
    }
    if let Some(expected) = expected {
        policy(row, redis, expected);
    }
    fragmentation(row, redis);
}

/// The memory that the server may use.
fn limit(row: &mut Clauses<'_>, redis: &Redis, role: Option<&Role>, expected: &ExpectedCache) -> Option<f64> {
    let (source, object, quantity) = match (expected.memory.as_str(), role) {
        ("", Some(role)) => {
            let containers = &role.template.containers;
            let listens = containers
                .iter()
                .find(|container| container.ports.iter().any(|port| port.container_port == role.port));
            let limits = listens
                .or(containers.first())
                .map(|container| &container.resources.limits);
            let limit = limits.and_then(|limits| limits.get("memory")).cloned();
            (Source::StatefulSets, role.workload.clone(), limit)
        }
        ("", None) => (Source::Redis, redis.object.clone(), None),
        (declared, _) => (
            Source::Expectations,
            redis.object.clone(),
            Some(Quantity(declared.to_owned())),
        ),
    };
    let bytes = quantity.as_ref().and_then(Quantity::units).filter(|bytes| *bytes > 0);
    let Some(bytes) = bytes else {
        row.unseen(format!(
            "{object} has no memory limit, and `checklist.cache.memory` declares none: nothing to measure maxmemory against"
        ));
        return None;
    };
    row.stable(source, object, "memory limit", size(bytes as f64));
    Some(bytes as f64)
}

fn policy(row: &mut Clauses<'_>, redis: &Redis, expected: &ExpectedCache) {
    let Some(policy) = redis.info.get("maxmemory_policy") else {
        row.unseen(format!("{} did not tell `maxmemory_policy`", redis.object));
        return;
    };
    row.stable(Source::Redis, &redis.object, "maxmemory_policy", policy);
    if policy == "noeviction" && !expected.no_eviction {
        row.breach(
            "maxmemory-policy is noeviction, so writes fail when the memory is full: set `allkeys-lru`, or declare `checklist.cache.noEviction`",
        );
    }
}

fn fragmentation(row: &mut Clauses<'_>, redis: &Redis) {
    let (Some(ratio), Some(bytes)) = (
        number(row, redis, "mem_fragmentation_ratio"),
        number(row, redis, "mem_fragmentation_bytes"),
    ) else {
        return;
    };
    row.moving(Source::Redis, &redis.object, "mem_fragmentation_ratio", ratio);
    if ratio > FRAGMENTED.0 && bytes > FRAGMENTED.1 {
        row.lesser(format!(
            "{} wastes {} by fragmentation (ratio {ratio}): set `activedefrag yes`, or restart it",
            redis.object,
            size(bytes)
        ));
    }
}

/// A number of INFO; when it was not told, the clause is unseen.
fn number(row: &mut Clauses<'_>, redis: &Redis, name: &str) -> Option<f64> {
    let found = redis
        .info
        .get(name)
        .and_then(|text| text.parse::<f64>().ok())
        .filter(|number| number.is_finite());
    if found.is_none() {
        row.unseen(format!("{} did not tell `{name}`", redis.object));
    }
    found
}

fn size(bytes: f64) -> String {
    format!("{}mb", (bytes / 1_048_576.0).floor())
}
