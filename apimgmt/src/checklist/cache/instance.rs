//! The Redis that takes writes answers, is the master and has its data loaded.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::Clauses,
        login,
        version::Window,
        workload::{leads_to, roles, serves},
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{Redis, Sentinel},
    },
};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/instance",
    title: "Redis answers and takes writes",
    stage: Stage::Pre,
    phase: Phase::Cache,
    severity: Severity::Blocking,
    why: "Behind a replica or a loading server every write fails while pods look healthy.",
    fix: "Run `kubectl apimgmt troubleshoot database`.",
    reads: &[
        Source::Redis,
        Source::Pods,
        Source::Deployments,
        Source::StatefulSets,
        Source::Services,
        Source::EndpointSlices,
        Source::Probes,
        Source::Expectations,
    ],
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let role = roles(&mut row, snapshot).cache;
    if let Some(role) = &role {
        serves(&mut row, snapshot, role);
    }
    let mut held = String::new();
    match row.read(snapshot.redis()) {
        Some(Some(redis)) => {
            if let Some(why) = redis.unasked() {
                row.unseen(why);
                return Ok(row.verdict(""));
            }
            held = server(&mut row, snapshot, redis);
            if by_sentinels(&mut row, snapshot, redis) {
                held.push_str(", as the Sentinels say");
            } else if let Some(role) = &role {
                leads_to(&mut row, snapshot, role, &redis.object);
            }
        }
        Some(None) => row.unseen("no workload plays the cache, and `checklist.roles.cache` declares none"),
        None => {}
    }
    Ok(row.verdict(held))
}

/// Where Sentinels decide, clients ask them instead of a service: the server that was asked is the one that they name.
fn by_sentinels(row: &mut Clauses<'_>, snapshot: &Snapshot, redis: &Redis) -> bool {
    let Some(expected) = row.read(snapshot.expectations()) else {
        return false;
    };
    if expected.cache.mode != "sentinel" {
        return false;
    }
    let master = format!("master/{}", expected.cache.sentinel.master);
    match Sentinel::agreed(&redis.sentinels) {
        Ok(address) => row.moving(
            Source::Redis,
            master,
            "address, by most Sentinels",
            format!("{address}, which is {}", redis.object),
        ),
        Err(why) => row.unseen(why),
    }
    true
}

fn server(row: &mut Clauses<'_>, snapshot: &Snapshot, redis: &Redis) -> String {
    let object = redis.object.as_str();
    login::judge(row, snapshot, ITEM.id, Source::Redis, object, &redis.login);
    row.moving(Source::Redis, object, "PING", &redis.ping);
    match redis.ping.as_str() {
        "PONG" => {}
        "" => row.unseen(format!("{object} was not asked PING")),
        other => row.breach(format!("{object} answers PING with `{other}`")),
    }
    let field = |row: &mut Clauses<'_>, name: &str, wrong: &dyn Fn(&str) -> Option<String>| {
        let Some(value) = redis.info.get(name) else {
            row.unseen(format!("{object} did not tell `{name}`"));
            return;
        };
        row.stable(Source::Redis, object, &format!("INFO {name}"), value);
        if let Some(breach) = wrong(value) {
            row.breach(breach);
        }
    };
    field(row, "role", &|role| {
        (role != "master").then(|| format!("{object} is a {role}, not the master"))
    });
    field(row, "loading", &|loading| {
        (loading != "0").then(|| format!("{object} is still loading its data"))
    });
    field(row, "redis_version", &|_| None);
    let version = redis.info.get("redis_version").map(String::as_str).unwrap_or_default();
    if let (Some(expected), false) = (row.read(snapshot.expectations()), version.is_empty()) {
        let window = Window {
            minimum: expected.cache.minimum_version,
            maximum: expected.cache.maximum_version,
        };
        let major = version.split('.').next().and_then(|major| major.parse().ok());
        window.judge(row, object, version, major);
    }
    format!("{object} is the master, version {version}, data loaded")
}
