//! Redis persists as declared.

use jiff::Timestamp;

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, workload::roles},
    snapshot::{Snapshot, Source, Unreadable, roles::Role, sessions::Redis},
    values::ExpectedCache,
};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/persistence",
    title: "Redis persists as declared",
    stage: Stage::Pre,
    phase: Phase::Cache,
    severity: Severity::Blocking,
    why: "A cache that silently stopped saving is empty after its next restart.",
    fix: "Look at `redis-cli info persistence` and the free room of its volume.",
    reads: &[
        Source::Redis,
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
        Source::PersistentVolumeClaims,
        Source::Expectations,
    ],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(redis) = snapshot.redis()? else {
        return Ok(Verdict::unknown(
            "no workload plays the cache, and `checklist.roles.cache` declares none",
        ));
    };
    let expected = &snapshot.expectations()?.cache;
    let declared = |kind: &str| expected.persistence.iter().any(|declared| declared == kind);
    if expected.persistence.is_empty() {
        row.stable(
            Source::Expectations,
            "checklist",
            "cache.persistence",
            "none: what is in the cache need not outlive a restart",
        );
        return Ok(row.verdict("declared to keep nothing"));
    }
    let role = roles(&mut row, snapshot).cache;
    for server in redis.servers() {
        if let Some(why) = server.unasked() {
            row.unseen(format!("{} was not asked: {why}", server.object));
            continue;
        }
        if declared("aof") {
            log(&mut row, server);
        }
        if declared("rdb") {
            saves(&mut row, snapshot, server, expected);
        }
        if let Some(role) = &role {
            volume(&mut row, snapshot, server, role);
        }
    }
    if role.is_none() {
        row.note("the volume of a server outside is not seen");
    }
    Ok(row.verdict(format!(
        "{} as declared, the last write was ok",
        expected.persistence.join(" and ")
    )))
}

/// The value of a field of INFO; when it was not told, the clause is unseen.
fn field<'a>(row: &mut Clauses<'_>, redis: &'a Redis, name: &str) -> Option<&'a str> {
    let found = redis.info.get(name).map(String::as_str);
    if found.is_none() {
        row.unseen(format!("{} did not tell `{name}`", redis.object));
    }
    found
}

fn log(row: &mut Clauses<'_>, redis: &Redis) {
    let object = redis.object.as_str();
    let Some(enabled) = field(row, redis, "aof_enabled") else {
        return;
    };
    row.stable(Source::Redis, object, "aof_enabled", enabled);
    if enabled != "1" {
        row.breach(format!(
            "{object} keeps no append-only file, and `aof` is declared: set `appendonly yes`"
        ));
        return;
    }
    for name in ["aof_last_write_status", "aof_last_bgrewrite_status"] {
        let Some(status) = field(row, redis, name) else {
            continue;
        };
        row.moving(Source::Redis, object, name, status);
        if status != "ok" {
            row.breach(format!("{name} of {object} is `{status}`"));
        }
    }
}

fn saves(row: &mut Clauses<'_>, snapshot: &Snapshot, redis: &Redis, expected: &ExpectedCache) {
    let object = redis.object.as_str();
    if let Some(rules) = redis.config.get("save") {
        let shown = if rules.is_empty() { "never" } else { rules };
        row.stable(Source::Redis, object, "save", shown);
        if rules.is_empty() {
            row.breach(format!(
                "{object} never saves, and `rdb` is declared: set `save 3600 1 300 100 60 10000`"
            ));
        }
    } else {
        let why = redis.untold.get("config").map_or("no reason was given", String::as_str);
        row.unseen(format!("{object} did not tell when it saves: {why}"));
    }
    if let Some(status) = field(row, redis, "rdb_last_bgsave_status") {
        row.moving(Source::Redis, object, "rdb_last_bgsave_status", status);
        if status != "ok" {
            row.breach(format!("the last save of {object} ended with `{status}`"));
        }
    }
    let last = field(row, redis, "rdb_last_save_time")
        .and_then(|text| text.parse().ok())
        .and_then(|seconds| Timestamp::from_second(seconds).ok());
    let changes = field(row, redis, "rdb_changes_since_last_save").and_then(|text| text.parse::<u64>().ok());
    let (Some(last), Some(changes)) = (last, changes) else {
        row.unseen(format!("the last save of {object} cannot be read"));
        return;
    };
    row.moving(
        Source::Redis,
        object,
        "rdb_last_save_time",
        format!("{last}, {changes} changes since"),
    );
    let age = snapshot.taken_at.duration_since(last);
    // Without a change since, an old save holds everything.
    if changes > 0 && age.is_positive() && age.unsigned_abs() > expected.maximum_save_age.0 {
        row.breach(format!(
            "{object} saved {} s ago, more than {}, and {changes} changes are not saved",
            age.as_secs(),
            expected.maximum_save_age
        ));
    }
}

/// The folder that the server writes to must be on a claim: anything else goes with the pod.
fn volume(row: &mut Clauses<'_>, snapshot: &Snapshot, redis: &Redis, role: &Role) {
    let (Some(sets), Some(claims), Some(pods)) = (
        row.read(snapshot.stateful_sets()),
        row.read(snapshot.persistent_volume_claims()),
        row.read(snapshot.pods()),
    ) else {
        return;
    };
    let Some(folder) = redis.config.get("dir") else {
        let why = redis.untold.get("config").map_or("no reason was given", String::as_str);
        row.unseen(format!("{} did not tell where it writes: {why}", redis.object));
        return;
    };
    let pod = pods.iter().find(|pod| redis.object == pod.object());
    let Some(pod) = pod else {
        row.unseen(format!("{} is not among the pods", redis.object));
        return;
    };
    let inside = |path: &str| {
        let rest = folder.strip_prefix(path.trim_end_matches('/'));
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    let mounts = pod
        .spec
        .containers
        .iter()
        .flat_map(|container| &container.volume_mounts);
    let mount = mounts
        .filter(|mount| inside(&mount.mount_path))
        .max_by_key(|mount| mount.mount_path.len());
    let volume = mount.and_then(|mount| pod.spec.volumes.iter().find(|volume| volume.name == mount.name));
    let claim = volume.and_then(|volume| volume.persistent_volume_claim.as_ref());
    let Some(claim) = claim else {
        row.breach(format!(
            "{folder} of {} is on no volume claim: it is lost with the pod",
            redis.object
        ));
        return;
    };
    let made = sets
        .iter()
        .any(|set| role.workload == format!("statefulset/{}", set.metadata.name));
    let phase = claims
        .iter()
        .find(|known| known.metadata.name == claim.claim_name)
        .map(|known| known.status.phase.as_str());
    row.stable(
        Source::PersistentVolumeClaims,
        format!("persistentvolumeclaim/{}", claim.claim_name),
        "status.phase",
        phase.unwrap_or("absent"),
    );
    match phase {
        Some("Bound") => {}
        Some(other) => row.breach(format!("the volume claim {} of {folder} is {other}", claim.claim_name)),
        None => row.breach(format!(
            "the volume claim {} of {folder} does not exist",
            claim.claim_name
        )),
    }
    if !made && role.replicas > 1 {
        row.lesser(format!(
            "the {} pods of {} share one volume",
            role.replicas, role.workload
        ));
    }
}
