//! One session of the database holds a lock, and others wait for it.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{
            Scene, clean,
            commands::is_plain,
            lasting,
            servers::{DATABASE, Server, state_of},
        },
    },
    snapshot::{
        Unreadable,
        sessions::{Blocker, Postgresql},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "lock-pile-up",
    topic: Topic::Database,
    symptom: "Requests hang, and sessions of the database wait for locks",
    cause: "One session holds a lock that it does not give back",
    reads: DATABASE,
    look,
};

/// Waits are what locks are for; from here on nobody waits for his turn any more. A queue shows sooner.
const LONG: f64 = 20.0;
const QUEUE: (i64, f64) = (5, 5.0);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let blockers = server.facts.contention.iter().flat_map(|it| &it.blockers);
    let piled: Vec<&Blocker> = blockers
        .filter(|it| it.longest_wait >= LONG || (it.blocked >= QUEUE.0 && it.longest_wait >= QUEUE.1))
        .collect();
    Ok(piled
        .first()
        .map(|worst| finding(scene, &server, worst, &piled))
        .into_iter()
        .collect())
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, worst: &Blocker, all: &[&Blocker]) -> Finding {
    let object = &server.object;
    let who = match (worst.user.as_str(), worst.application.as_str()) {
        ("", _) => clean(&worst.state),
        (user, "") => format!("{} from {}", clean(user), scene.whose(&worst.address)),
        (user, application) => {
            format!(
                "{} ({}) from {}",
                clean(user),
                clean(application),
                scene.whose(&worst.address)
            )
        }
    };
    let doing = match worst.command.as_str() {
        "" => format!("is {}", worst.state),
        command if worst.state == "active" => format!("has been running {command} in a transaction"),
        command => format!("has been {} after {command}", worst.state),
    };
    let held_for = lasting(worst.transaction_seconds.max(worst.state_seconds));
    let what = match worst.relation.as_str() {
        "" => "rows that it changed".into(),
        relation => clean(relation),
    };
    let others = match worst.blocked {
        1 => "1 session waits".into(),
        count => format!("{count} sessions wait"),
    };
    let evidence = all.iter().take(3).map(|it| {
        let value = format!(
            "pid {} {} {} blocks {}, longest wait {}",
            it.pid,
            it.user,
            it.state,
            it.blocked,
            lasting(it.longest_wait)
        );
        scene.told(server, "pg_blocking_pids", value)
    });
    let finding = server
        .outage(
            scene,
            DIAGNOSIS.id,
            &[],
            format!(
                "one session of {object} holds up others: pid {} of {who} {doing} for {held_for}, and {others} for {what}, the longest for {}",
                worst.pid,
                lasting(worst.longest_wait)
            ),
        )
        .explaining([state_of("lock", object)])
        .explaining(all.iter().map(|it| state_of("session", &it.pid.to_string())))
        .because(evidence)
        .not("the server is slow", "those who wait do no work: they wait for that lock alone");
    let ending = all.iter().map(|it| it.pid.to_string()).collect::<Vec<_>>().join(", ");
    let finding = finding.mend(scene.psql(
        server.pod,
        "postgres",
        &format!("select pg_terminate_backend(pid) from unnest(array[{ending}]) pid"),
    ));
    if worst.state.starts_with("idle in transaction") && is_plain(&worst.user) {
        let setting = format!(
            "alter role \\\"{}\\\" set idle_in_transaction_session_timeout = '60s'",
            worst.user
        );
        return finding.mend(scene.psql(server.pod, "postgres", &setting));
    }
    finding.mend("Set `lock_timeout` for whoever changes tables, so that the change gives up instead")
}
