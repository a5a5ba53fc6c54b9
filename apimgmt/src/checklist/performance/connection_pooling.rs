//! Pools are neither saturated nor leaking.

#![expect(clippy::cast_precision_loss, reason = "amounts are compared and shown, not counted")]

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
        connections::Room,
        workload::roles,
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        roles::Role,
        sessions::{Exporters, Pooler, Postgresql, Sessions},
    },
    values::{Expectations, ExpectedPool},
};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/connection-pooling",
    title: "Pools are neither saturated nor leaking",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A leak ends in an outage at its own time.",
    fix: "Look at `database_pool_connections` and the code path that holds connections.",
    reads: &[
        Source::Postgresql,
        Source::Prometheus,
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
        Source::Expectations,
    ],
    judge,
};

/// Share of the server's connections from which the next burst finds none: the alert `PostgresConnectionsNearLimit` has
/// the same.
const NEAR: f64 = 0.8;

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(server) = snapshot.postgresql()? else {
        return Ok(Verdict::unknown(
            "no workload plays the database, and `checklist.roles.database` declares none",
        ));
    };
    let expected = snapshot.expectations()?;
    if let Some(words) = &server.exhausted {
        row.moving(Source::Postgresql, &server.object, "login", words);
        row.breach(format!(
            "{} has no connection left for the application: {words}",
            server.object
        ));
    }
    let room = Room::of(&mut row, server);
    let held = pool_places(&mut row, snapshot, server, &expected.database.pool);
    if let Some(activity) = &server.activity {
        sessions(&mut row, server, &activity.application, expected);
        let most = match &server.pooler {
            None => held,
            Some(door) => pooler_places(&mut row, snapshot, door),
        };
        if let Some(held) = most.filter(|held| activity.application.total > *held) {
            row.breach(format!(
                "{} has {} connections of `{}`, its pools hold at most {held}: connections leak past the pool",
                server.object, activity.application.total, server.user
            ));
        }
    } else {
        let why = server.exhausted.as_ref().or_else(|| server.untold.get("activity"));
        let why = why.map_or("there is no session", String::as_str);
        row.unseen(format!("{} did not tell its sessions: {why}", server.object));
    }
    if let Some(room) = &room {
        full(&mut row, server, "now", server.connections as f64, room);
    }
    under_load(&mut row, snapshot, server, room.as_ref(), held, expected);
    let total = server
        .activity
        .as_ref()
        .map_or(0, |activity| activity.application.total);
    Ok(row.verdict(format!(
        "{total} of {} places in pools are connections, none waited, none leaks",
        held.unwrap_or_default()
    )))
}

/// Connections that the pools of the pods which are there may hold together.
fn pool_places(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    server: &Postgresql,
    expected: &ExpectedPool,
) -> Option<i64> {
    let application: Option<Role> = roles(row, snapshot).application;
    let Some(application) = application else {
        row.unseen("no workload plays the application");
        return None;
    };
    let pods = row.read(snapshot.pods())?;
    let pool = server.pool.as_ref().filter(|pool| pool.variable == expected.variable);
    let Some(size) = pool.and_then(|pool| pool.size) else {
        row.unseen(format!(
            "the environment of {} has no number in `{}` (`checklist.database.pool.variable`)",
            application.workload, expected.variable
        ));
        return None;
    };
    // Those that end still hold theirs.
    let count = application
        .pods(pods)
        .filter(|pod| pod.status.phase == "Running")
        .count();
    let each = i64::from(size) * i64::from(expected.per_pod);
    let places = i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(each);
    row.moving(
        Source::Pods,
        &application.workload,
        "places in its pools",
        format!("{} × {each} = {places}", counted(count, "pod")),
    );
    Some(places)
}

/// Connections that the pods of the pooler may have to the server together: behind it, the application's own pools bound
/// nothing.
fn pooler_places(row: &mut Clauses<'_>, snapshot: &Snapshot, door: &Pooler) -> Option<i64> {
    let (pooler, size) = (roles(row, snapshot).pooler, door.pool_size);
    let (Some(pooler), Some(size)) = (pooler, size) else {
        row.unseen(format!("{} does not say how many connections it takes", door.object));
        return None;
    };
    let count = pooler
        .pods(row.read(snapshot.pods())?)
        .filter(|pod| pod.status.phase == "Running")
        .count();
    let places = i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(i64::from(size));
    row.moving(
        Source::Pods,
        &pooler.workload,
        "connections that it may have",
        format!("{} × {size} = {places}", counted(count, "pod")),
    );
    Some(places)
}

fn sessions(row: &mut Clauses<'_>, server: &Postgresql, own: &Sessions, expected: &Expectations) {
    let object = server.object.as_str();
    row.moving(
        Source::Postgresql,
        object,
        &format!("pg_stat_activity of {}", server.user),
        format!(
            "{} in all, {} active, {} idle, {} idle in transaction, {} waiting for a lock",
            own.total, own.active, own.idle, own.idle_in_transaction, own.waiting
        ),
    );
    let limit = expected.database.pool.maximum_idle_in_transaction;
    if own.longest_idle_in_transaction > limit.0.as_secs_f64() {
        row.breach(format!(
            "a transaction of `{}` has been open for {:.0} s with nothing done, more than {limit}: its connection leaks",
            server.user, own.longest_idle_in_transaction
        ));
    }
    if own.waiting > 0 {
        row.lesser(format!(
            "{} of `{}` wait for a lock",
            counted(usize::try_from(own.waiting).unwrap_or_default(), "session"),
            server.user
        ));
    }
}

fn full(row: &mut Clauses<'_>, server: &Postgresql, when: &str, connections: f64, room: &Room) {
    let available = room.available as f64;
    let said = format!(
        "{when} {connections:.0} of {available:.0} connections to {} are in use",
        server.object
    );
    row.moving(
        Source::Postgresql,
        &server.object,
        &format!("connections in use {when}"),
        format!("{connections:.0} of {available:.0}"),
    );
    if connections >= available {
        row.breach(said);
    } else if connections >= NEAR * available {
        row.lesser(said);
    }
}

/// What the pools came to in the window, from the application's own series and the exporter's.
fn under_load(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    server: &Postgresql,
    room: Option<&Room>,
    places: Option<i64>,
    expected: &Expectations,
) {
    let window = expected.performance.window;
    let Some(prometheus) = row.read(snapshot.prometheus()) else {
        return;
    };
    let Some(prometheus) = prometheus else {
        row.unseen("there is no Prometheus, so nobody saw the pools under load");
        return;
    };
    let Exporters {
        requests,
        most_connections,
        most_pooled_in_use,
        most_waiting,
        ..
    } = prometheus.exporters;
    let object = prometheus.object.as_str();
    match requests {
        Some(requests) if requests >= 1.0 => {
            row.moving(
                Source::Prometheus,
                object,
                "requests",
                format!("{requests:.0} in {window}"),
            );
        }
        _ => row.unseen(format!(
            "no request was answered in {window}: the pools were under no load"
        )),
    }
    if let (Some(most), Some(room)) = (most_connections, room) {
        full(row, server, &format!("at the peak of {window}"), most, room);
    }
    let Some(in_use) = most_pooled_in_use else {
        row.unseen("Prometheus has no series of connections in use (`checklist.database.pool.inUse`)");
        return;
    };
    let Some(waiting) = most_waiting else {
        row.unseen("Prometheus has no series of requests that wait (`checklist.database.pool.waiting`)");
        return;
    };
    let of = places.map_or_else(String::new, |places| format!(" of {places} places"));
    row.moving(
        Source::Prometheus,
        object,
        "pools at their peak",
        format!("{in_use:.0}{of} in use, {waiting:.0} waiting, in {window}"),
    );
    if waiting >= 1.0 {
        let said =
            format!("up to {waiting:.0} requests waited for a connection in {window}, with {in_use:.0}{of} in use");
        if places.is_some_and(|places| in_use >= places as f64) {
            row.breach(format!("the pools are saturated: {said}"));
        } else {
            row.lesser(said);
        }
    }
}
