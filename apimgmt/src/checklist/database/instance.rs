//! The PostgreSQL that takes writes answers the application, is supported and has its replicas behind it.
//!
//! The probe result of this item has the values `login` (`proven`), `service` (`postgres:5432`, by which it was
//! reached) and `reachedAfter` (`12ms`).

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
        probe,
        version::Window,
        workload::{leads_to, roles, serves},
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        roles::Roles,
        sessions::{Login, Postgresql},
    },
    values::ExpectedDatabase,
};

/// The item.
pub const ITEM: Item = Item {
    id: "database/instance",
    title: "PostgreSQL answers, takes writes and is supported",
    stage: Stage::Pre,
    phase: Phase::Database,
    severity: Severity::Blocking,
    why: "Behind a standby or with wrong credentials every write fails while pods look healthy.",
    fix: "Run `kubectl apimgmt troubleshoot database`.",
    reads: &[
        Source::Postgresql,
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
    let Roles {
        database: role, pooler, ..
    } = roles(&mut row, snapshot);
    if let Some(role) = &role {
        serves(&mut row, snapshot, role);
    }
    let mut held = String::new();
    match row.read(snapshot.postgresql()) {
        Some(Some(server)) => {
            judge_server(&mut row, snapshot, server);
            if let (Some(door), Some(pooler)) = (&server.pooler, &pooler) {
                row.stable(Source::Postgresql, &door.object, "server", &door.server);
                serves(&mut row, snapshot, pooler);
            }
            if let Some(role) = &role {
                leads_to(&mut row, snapshot, role, &server.object);
            }
            held = format!(
                "{} takes writes, version {}, reached as the application reaches it",
                server.object, server.version
            );
        }
        Some(None) => row.unseen("no workload plays the database, and `checklist.roles.database` declares none"),
        None => {}
    }
    reach(&mut row, snapshot);
    Ok(row.verdict(held))
}

/// A port-forward lands on the pod's loopback: only a pod that the application's policies select shows reach.
fn reach(row: &mut Clauses<'_>, snapshot: &Snapshot) {
    let Some(result) = probe::fresh(row, snapshot, ITEM.id).into_iter().next() else {
        return;
    };
    probe::taken(row, result);
    if !result.passed {
        return;
    }
    if result.values.get("login").map(String::as_str) != Some("proven") {
        row.unseen("the probe does not say that a wrong password is refused and the application's accepted");
    }
    if result.values.get("service").is_none_or(String::is_empty) {
        row.unseen("the probe does not say by which service it reached the database");
    }
}

fn judge_server(row: &mut Clauses<'_>, snapshot: &Snapshot, server: &Postgresql) {
    let object = server.object.as_str();
    if let Login::Refused { message } = &server.login {
        row.moving(Source::Postgresql, object, "login", "refused");
        row.breach(format!("{object} refuses the application's credentials: {message}"));
        return;
    }
    if let Some(words) = &server.exhausted {
        row.moving(Source::Postgresql, object, "login", words);
        row.breach(format!("{object} has no connection left for the application: {words}"));
        return;
    }
    row.stable(Source::Postgresql, object, "current_user", &server.user);
    row.stable(Source::Postgresql, object, "server_version", &server.version);
    row.moving(Source::Postgresql, object, "pg_is_in_recovery()", server.in_recovery);
    if server.in_recovery {
        row.breach(format!("{object} is a standby: it takes no writes"));
    }
    match server.started_at {
        Some(started) => row.moving(Source::Postgresql, object, "pg_postmaster_start_time()", started),
        None => row.unseen(format!("{object} did not tell since when it runs")),
    }
    let Some(expected) = row.read(snapshot.expectations()) else {
        return;
    };
    let expected = &expected.database;
    let window = Window {
        minimum: expected.minimum_version,
        maximum: expected.maximum_version,
    };
    let major = Some(server.version_number / 10_000).filter(|major| *major > 0);
    window.judge(row, object, &server.version, major);
    replicas(row, server, expected);
}

fn replicas(row: &mut Clauses<'_>, server: &Postgresql, expected: &ExpectedDatabase) {
    let object = server.object.as_str();
    let Some(replicas) = &server.replicas else {
        if expected.replicas > 0 {
            row.unseen(format!(
                "the role `{}` may not see the replicas of {object}",
                server.user
            ));
        }
        return;
    };
    let streaming = replicas.iter().filter(|replica| replica.state == "streaming").count();
    row.moving(
        Source::Postgresql,
        object,
        "pg_stat_replication",
        format!("{streaming} of {} streaming", counted(replicas.len(), "replica")),
    );
    if streaming < expected.replicas {
        row.breach(format!(
            "{streaming} of {} stream from {object}",
            counted(expected.replicas, "replica")
        ));
    }
    for replica in replicas {
        // A replica that has caught up and idles has no lag to tell.
        let lag = replica.lag_seconds.unwrap_or_default();
        if lag > expected.maximum_lag.0.as_secs_f64() || lag.is_nan() {
            row.breach(format!(
                "replica {} lags {lag:.0} s, more than {}",
                replica.name, expected.maximum_lag
            ));
        }
    }
}
