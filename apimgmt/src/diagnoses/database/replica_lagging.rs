//! A replica of the database is behind.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene, clean, lasting,
            servers::{Server, state_of},
            sized,
        },
    },
    snapshot::{
        Source, Unreadable,
        sessions::{Postgresql, Replica},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "replica-lagging",
    topic: Topic::Database,
    symptom: "Reads from a replica are old, and a failover would lose data",
    cause: "The replica replays more slowly than the primary writes, or does not stream",
    reads: &[
        Source::Postgresql,
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Logs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
        Source::Expectations,
    ],
    look,
};

/// A replica that tells no time is behind from here on.
const BYTES: i64 = 64 << 20;

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let expected = scene.snapshot.expectations().ok().map(|it| it.database.maximum_lag.0);
    let limit = expected.unwrap_or(std::time::Duration::from_secs(10)).as_secs_f64();
    let replicas = server.facts.replicas.iter().flatten();
    let lagging = replicas.filter(|it| {
        it.lag_seconds.is_some_and(|lag| lag > limit)
            || (it.lag_seconds.is_none() && it.lag_bytes.is_some_and(|bytes| bytes > BYTES))
    });
    Ok(lagging.map(|it| finding(scene, &server, it, limit)).collect())
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, replica: &Replica, limit: f64) -> Finding {
    let name = clean(&replica.name);
    let pods = scene.pods().unwrap_or_default();
    let own = pods
        .iter()
        .find(|pod| pod.metadata.name == replica.name)
        .map(|pod| pod.object());
    let object = own.unwrap_or_else(|| server.object.clone());
    let bytes = replica
        .lag_bytes
        .map_or(String::new(), |bytes| format!(" ({} of log)", sized(bytes)));
    let behind = match replica.lag_seconds {
        Some(seconds) => format!("{}{bytes} behind, more than {}", lasting(seconds), lasting(limit)),
        None => format!("behind{bytes}"),
    };
    let waits = if replica.state == "streaming" {
        "it gets the log and does not keep up replaying it".into()
    } else {
        format!("it does not stream ({})", clean(&replica.state))
    };
    Finding::new(
        DIAGNOSIS.id,
        &object,
        format!("replica {name} of {} is {behind}: {waits}", server.object),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Compared)
    .explaining([state_of("replica", &replica.name)])
    .because([scene.told(
        server,
        "pg_stat_replication",
        format!(
            "{name} {}, replay_lag {} s{bytes}",
            clean(&replica.state),
            replica.lag_seconds.unwrap_or_default()
        ),
    )])
    .not("the replica is gone", "it is connected")
    .mend("Look on the replica for a long query that replay waits for, and for a slow volume")
    .mend(scene.psql(
        server.pod,
        "postgres",
        "select application_name, state, write_lag, flush_lag, replay_lag from pg_stat_replication",
    ))
}
