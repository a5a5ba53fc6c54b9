//! The pools cannot exhaust the database.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::Clauses,
        connections::{Room, pods},
        workload::roles,
    },
    snapshot::{Snapshot, Source, Unreadable, roles::Role, sessions::Postgresql},
};

/// The item.
pub const ITEM: Item = Item {
    id: "database/pooling",
    title: "The pools cannot exhaust the database",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "At the next surge the last pods find no connection left.",
    fix: "Lower `application.config.DATABASE_POOL_SIZE` or raise `postgresql.maxConnections`.",
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
    let Some(application) = roles(&mut row, snapshot).application else {
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
    let Some(pods) = pods(&mut row, snapshot, &application) else {
        return Ok(row.verdict(""));
    };
    for (when, count) in [("now", pods.now), ("at most", pods.most)] {
        let needed = count * each;
        row.moving(
            Source::Deployments,
            &application.workload,
            &format!("connections that its pools may take {when}"),
            format!(
                "{count} pods with their surge × {each} = {needed} of {}",
                room.available
            ),
        );
        if needed > room.available {
            row.breach(format!(
                "{} may take {needed} connections ({count} pods × {each}), more than the {} of {}",
                application.workload, room.available, server.object
            ));
        }
    }
    let needed = pods.most * each;
    limits(&mut row, server, needed, &room);
    Ok(row.verdict(format!(
        "{} pods × {each} = {needed} connections at most, of {}",
        pods.most, room.available
    )))
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
