//! The pools cannot exhaust the database.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::Clauses,
        connections::{Room, pods},
        workload::roles,
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        roles::{Role, Roles},
        sessions::{Pooler, Postgresql},
    },
};

/// The item.
pub const ITEM: Item = Item {
    id: "database/pooling",
    title: "The pools cannot exhaust the database",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "At the next surge the last pods find no connection left.",
    fix: "Lower `application.config.DATABASE_POOL_SIZE`, with PgBouncer `postgresql.pooler.poolSize`, or raise `postgresql.maxConnections`.",
    reads: &[
        Source::Postgresql,
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
        Source::HorizontalPodAutoscalers,
        Source::Expectations,
    ],
    judge,
};

/// What bounds a statement and a transaction that nobody ends: without them a pool's connection is never given back
/// (<https://www.postgresql.org/docs/current/runtime-config-client.html>).
const TIMEOUTS: [&str; 2] = ["statement_timeout", "idle_in_transaction_session_timeout"];

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(server) = snapshot.postgresql()? else {
        return Ok(Verdict::unknown(
            "no workload plays the database, and `checklist.roles.database` declares none",
        ));
    };
    if let Some(words) = &server.exhausted {
        row.moving(Source::Postgresql, &server.object, "login", words);
        row.breach(format!(
            "{} has no connection left for the application: {words}",
            server.object
        ));
    }
    timeouts(&mut row, server);
    let Roles {
        application, pooler, ..
    } = roles(&mut row, snapshot);
    let Some(application) = application else {
        row.unseen("no workload plays the application");
        return Ok(row.verdict(""));
    };
    let (room, each) = (
        Room::of(&mut row, server),
        each(&mut row, snapshot, server, &application),
    );
    let (Some(room), Some(each)) = (room, each) else {
        return Ok(row.verdict(""));
    };
    let held = match &server.pooler {
        None => takes(&mut row, snapshot, server, &application, each, &room),
        Some(door) => behind_pooler(
            &mut row,
            snapshot,
            server,
            (door, pooler.as_ref()),
            (&application, each),
            &room,
        ),
    };
    Ok(row.verdict(held.unwrap_or_default()))
}

/// What a workload's pools may take of the server, now and at most.
fn takes(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    server: &Postgresql,
    workload: &Role,
    each: i64,
    room: &Room,
) -> Option<String> {
    let pods = pods(row, snapshot, workload)?;
    for (when, count) in [("now", pods.now), ("at most", pods.most)] {
        let needed = count * each;
        row.moving(
            Source::Deployments,
            &workload.workload,
            &format!("connections that its pools may take {when}"),
            format!(
                "{count} pods with their surge × {each} = {needed} of {}",
                room.available
            ),
        );
        if needed > room.available {
            row.breach(format!(
                "{} may take {needed} connections ({count} pods × {each}), more than the {} of {}",
                workload.workload, room.available, server.object
            ));
        }
    }
    let needed = pods.most * each;
    limits(row, server, needed, room);
    Some(format!(
        "{} pods × {each} = {needed} connections at most, of {}",
        pods.most, room.available
    ))
}

/// The application's pools share the pooler's, and only those take connections of the server.
fn behind_pooler(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    server: &Postgresql,
    (door, pooler): (&Pooler, Option<&Role>),
    (application, each): (&Role, i64),
    room: &Room,
) -> Option<String> {
    let Some(pooler) = pooler else {
        row.unseen(format!("no workload is known whose pod is {}", door.object));
        return None;
    };
    let workload = &pooler.workload;
    row.stable(Source::Postgresql, &door.object, "pool_mode", &door.mode);
    let (Some(size), Some(clients_each)) = (door.pool_size, door.served()) else {
        row.unseen(format!(
            "{workload} does not say how many connections and clients it takes"
        ));
        return None;
    };
    let clients = pods(row, snapshot, application)?.most * each;
    let places = pooler.replicas * i64::from(clients_each);
    row.moving(
        Source::Deployments,
        workload,
        "clients that it serves",
        format!(
            "{} pods × {clients_each} = {places}, of {clients} at most",
            pooler.replicas
        ),
    );
    if clients > places {
        row.breach(format!(
            "{} may come with {clients} clients, more than the {places} that {workload} serves in {} mode",
            application.workload, door.mode
        ));
    }
    let held = takes(row, snapshot, server, pooler, i64::from(size), room)?;
    Some(format!("{clients} clients at most share {held}"))
}

/// The connections of one pod.
fn each(row: &mut Clauses<'_>, snapshot: &Snapshot, server: &Postgresql, application: &Role) -> Option<i64> {
    let expected = row.read(snapshot.expectations())?;
    let variable = &expected.database.pool.variable;
    let size = server
        .pool
        .as_ref()
        .filter(|pool| pool.variable == *variable)
        .and_then(|pool| pool.size);
    let Some(size) = size else {
        row.unseen(format!(
            "the environment of {} has no number in `{variable}` (`checklist.database.pool.variable`)",
            application.workload
        ));
        return None;
    };
    row.stable(Source::Postgresql, &application.workload, variable, size);
    Some(i64::from(size) * i64::from(expected.database.pool.per_pod))
}

/// What the role itself may take, and what others take already.
fn limits(row: &mut Clauses<'_>, server: &Postgresql, needed: i64, room: &Room) {
    if let Some(role) = &server.role {
        row.stable(
            Source::Postgresql,
            format!("role/{}", role.name),
            "rolconnlimit",
            role.connection_limit,
        );
        if (0..needed).contains(&role.connection_limit) {
            row.breach(format!(
                "role/{} may have {} connections, its pools may take {needed}",
                role.name, role.connection_limit
            ));
        }
    }
    if let Some(activity) = &server.activity {
        row.moving(
            Source::Postgresql,
            &server.object,
            "connections of other roles",
            activity.others,
        );
        if needed <= room.available && needed + activity.others > room.available {
            row.lesser(format!(
                "with the {} connections of other roles its pools may take more than the {} of {}",
                activity.others, room.available, server.object
            ));
        }
    }
}

fn timeouts(row: &mut Clauses<'_>, server: &Postgresql) {
    for name in TIMEOUTS {
        match server.settings.get(name) {
            Some(setting) => {
                row.stable(
                    Source::Postgresql,
                    &server.object,
                    &format!("{name} of the application's role"),
                    format!("{}{}", setting.value, setting.unit),
                );
                if setting.number() == Some(0.0) && server.exhausted.is_none() {
                    row.lesser(format!(
                        "{name} is 0 for the application: a connection may never come back to its pool"
                    ));
                }
            }
            None => row.unseen(format!("{} did not tell `{name}`", server.object)),
        }
    }
}
