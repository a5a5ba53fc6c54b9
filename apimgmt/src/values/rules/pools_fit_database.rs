//! The pools of all pods fit into the database's connections.

use super::{
    Broken, Facts, Rule, Weight,
    facts::Workload,
    settings::{mounted, runs, variable, words},
};
use crate::snapshot::roles::POOLERS;

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "pools-fit-database",
    title: "The pools of all pods fit into the database's connections",
    severity: Weight::Refuse,
    why: "At the autoscaler's maximum, or in the midst of a rollout, the last pods find no connection left.",
    fix: "Lower the pool's size or `maxReplicas`, or raise `max_connections`.",
    judge,
};

/// What PostgreSQL keeps back for superusers when it is not told
/// (<https://www.postgresql.org/docs/current/runtime-config-connection.html>).
const KEPT_FOR_SUPERUSERS: i64 = 3;

fn judge(facts: &Facts) -> Vec<Broken> {
    let images = facts.workloads.iter().flat_map(Workload::containers);
    if images.into_iter().any(|container| runs(&container.image, POOLERS)) {
        return Vec::new();
    }
    let servers: Vec<_> = facts
        .workloads
        .iter()
        .filter_map(|workload| Some((workload, room(facts, workload)?)))
        .collect();
    // With two servers nobody can tell whose connections a pool takes.
    let [(server, room)] = servers.as_slice() else {
        return Vec::new();
    };
    let pool = facts.expectations().database.pool;
    let each = |workload: &Workload| {
        let containers = workload.template.spec.containers.iter();
        let sizes = containers.filter_map(|container| variable(facts, container, &pool.variable)?.parse::<i64>().ok());
        sizes.sum::<i64>() * i64::from(pool.per_pod)
    };
    let takers: Vec<_> = facts
        .workloads
        .iter()
        .filter(|workload| matches!(workload.kind.as_str(), "Deployment" | "StatefulSet"))
        .map(|workload| (workload, facts.count(workload).most, each(workload)))
        .filter(|(_, _, each)| *each > 0)
        .collect();
    let needed: i64 = takers.iter().map(|(_, pods, each)| pods * each).sum();
    let (Some((first, ..)), true) = (takers.first(), needed > *room) else {
        return Vec::new();
    };
    let terms: Vec<_> = takers
        .iter()
        .map(|(workload, pods, each)| format!("{pods} pods of {} × {each}", workload.object()))
        .collect();
    let text = format!(
        "{} may take {needed} connections, and {} leaves {room} ({})",
        first.object(),
        server.object(),
        terms.join(" + ")
    );
    vec![Broken::new(first.object(), text)]
}

/// The connections that a PostgreSQL leaves to roles without privileges, when it is told how many it has.
fn room(facts: &Facts, workload: &Workload) -> Option<i64> {
    let files = mounted(facts, workload);
    let setting = |name: &str| {
        let on_line = workload.containers().flat_map(words).filter_map(|word| {
            let (key, value) = word.trim_start_matches("--").split_once('=')?;
            (key.trim() == name).then(|| value.trim())
        });
        on_line
            .last()
            .or(files.get(name).map(String::as_str))
            .and_then(|value| value.parse::<i64>().ok())
    };
    let reserved = setting("superuser_reserved_connections").unwrap_or(KEPT_FOR_SUPERUSERS);
    Some(setting("max_connections")? - reserved - setting("reserved_connections").unwrap_or_default())
}
