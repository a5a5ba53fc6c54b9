//! PostgreSQL's settings are safe and fit its limits.

#![expect(clippy::cast_precision_loss, reason = "amounts are compared and shown, not counted")]

use super::parameters::{RULES, Server, Wrong};
use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, workload::roles},
    snapshot::{
        Quantity, Snapshot, Source, Unreadable,
        roles::Role,
        sessions::{Path, Postgresql},
    },
};

/// The item.
pub const ITEM: Item = Item {
    id: "database/tuning",
    title: "PostgreSQL's settings are safe and fit its limits",
    stage: Stage::Pre,
    phase: Phase::Database,
    severity: Severity::Blocking,
    why: "Unsafe settings lose data; poor ones lose speed.",
    fix: "Set the value that is named in `postgresql.parameters`.",
    reads: &[
        Source::Postgresql,
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
        Source::PersistentVolumeClaims,
        Source::Expectations,
    ],
    judge,
};

/// Parameters that are shown whatever they come to.
const SHOWN: [&str; 9] = [
    "fsync",
    "full_page_writes",
    "autovacuum",
    "synchronous_commit",
    "shared_buffers",
    "work_mem",
    "maintenance_work_mem",
    "max_connections",
    "max_wal_size",
];

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(server) = snapshot.postgresql()? else {
        return Ok(Verdict::unknown(
            "no workload plays the database, and `checklist.roles.database` declares none",
        ));
    };
    let object = server.object.as_str();
    if server.settings.is_empty() {
        let why = server.exhausted.as_ref().or_else(|| server.untold.get("settings"));
        let why = why.map_or("there is no session", String::as_str);
        row.unseen(format!("{object} did not tell its parameters: {why}"));
        return Ok(row.verdict(""));
    }
    for name in SHOWN {
        if let Some(setting) = server.settings.get(name) {
            let shown = match (setting.bytes(), setting.number()) {
                (Some(bytes), Some(number)) if number >= 0.0 => super::parameters::size(bytes),
                _ => setting.value.clone(),
            };
            row.stable(Source::Postgresql, object, name, shown);
        }
    }
    for name in server
        .settings
        .iter()
        .filter(|(_, setting)| setting.pending_restart)
        .map(|(name, _)| name)
    {
        row.lesser(format!(
            "another value of {name} is set and waits for a restart of {object}"
        ));
    }
    kept(&mut row, server);
    let role = roles(&mut row, snapshot).database;
    let server = Server {
        told: server,
        memory: memory(&mut row, snapshot, server, role.as_ref()),
        volume: volume(&mut row, snapshot, server, role.as_ref()),
    };
    for rule in RULES {
        match (rule.wrong)(&server) {
            Ok(None) => {}
            Ok(Some(Wrong::Unsafe(what))) => row.breach(format!("{}: {what}", rule.name)),
            Ok(Some(Wrong::Poor(what))) => row.lesser(format!("{}: {what}", rule.name)),
            Err(missing) => row.unseen(format!("{object} did not tell `{missing}`")),
        }
    }
    Ok(row.verdict(format!("{} rules hold", RULES.len())))
}

fn kept(row: &mut Clauses<'_>, server: &Postgresql) {
    let object = server.object.as_str();
    let Some(upkeep) = &server.upkeep else {
        return;
    };
    row.moving(
        Source::Postgresql,
        format!("database/{}", upkeep.oldest_database),
        "age(datfrozenxid)",
        upkeep.oldest_xid,
    );
    row.moving(
        Source::Postgresql,
        object,
        "checkpoints",
        format!(
            "{} timed, {} requested",
            upkeep.checkpoints_timed, upkeep.checkpoints_requested
        ),
    );
    if let Some(largest) = upkeep.tables.first() {
        let needed = largest
            .needed_bytes
            .map_or_else(|| "not estimated".to_owned(), |bytes| format!("{bytes} needed"));
        row.moving(
            Source::Postgresql,
            format!("table/{}", largest.name),
            "bytes",
            format!("{}, {needed}, {} dead rows", largest.bytes, largest.dead),
        );
    }
}

/// The memory that the server may use: its container's limit, or what is declared of a server outside.
fn memory(row: &mut Clauses<'_>, snapshot: &Snapshot, server: &Postgresql, role: Option<&Role>) -> Option<f64> {
    let declared = row.read(snapshot.expectations())?.database.memory.clone();
    let (source, object, quantity) = if declared.is_empty() {
        let containers = role.map(|role| (role, &role.template.containers))?;
        let (role, containers) = containers;
        let listens = containers
            .iter()
            .find(|container| container.ports.iter().any(|port| port.container_port == role.port));
        let limit = listens
            .or(containers.first())
            .and_then(|container| container.resources.limits.get("memory"));
        (Source::StatefulSets, role.workload.clone(), limit.cloned())
    } else {
        (Source::Expectations, server.object.clone(), Some(Quantity(declared)))
    };
    let bytes = quantity.as_ref().and_then(Quantity::units);
    let Some(bytes) = bytes.filter(|bytes| *bytes > 0) else {
        row.unseen(format!(
            "{object} has no memory limit, and `checklist.database.memory` declares none: nothing to measure its buffers against"
        ));
        return None;
    };
    let bytes = bytes as f64;
    row.stable(source, object, "memory limit", super::parameters::size(bytes));
    Some(bytes)
}

/// The smallest volume that the server's workload made for its pod: the one with its data.
fn volume(row: &mut Clauses<'_>, snapshot: &Snapshot, server: &Postgresql, role: Option<&Role>) -> Option<f64> {
    if server.path == Path::Direct || role.is_none() {
        row.note("the volume of a server outside is not seen");
        return None;
    }
    let claims = row.read(snapshot.persistent_volume_claims())?;
    let pod = server.object.strip_prefix("pod/")?;
    let own = claims
        .iter()
        .filter(|claim| claim.metadata.name.ends_with(&format!("-{pod}")));
    let sizes = own.filter_map(|claim| {
        let capacity = claim
            .status
            .capacity
            .get("storage")
            .or_else(|| claim.spec.resources.requests.get("storage"))?;
        Some((capacity.units()? as f64, &claim.metadata.name))
    });
    let Some((bytes, claim)) = sizes.min_by(|left, right| left.0.total_cmp(&right.0)) else {
        row.note(format!("no volume of its own was found for {}", server.object));
        return None;
    };
    row.stable(
        Source::PersistentVolumeClaims,
        format!("persistentvolumeclaim/{claim}"),
        "status.capacity.storage",
        super::parameters::size(bytes),
    );
    Some(bytes)
}
