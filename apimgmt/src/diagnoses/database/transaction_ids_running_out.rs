//! The database runs out of transaction ids, since something keeps old ones from being frozen.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene,
            servers::{DATABASE, Server, state_of},
        },
    },
    signatures::{Answer, Family},
    snapshot::{
        Unreadable,
        sessions::{Horizon, Postgresql, Upkeep},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "transaction-ids-running-out",
    topic: Topic::Database,
    symptom: "The database warns that it must be vacuumed, and then takes no writes",
    cause: "Old transaction ids are not frozen: a transaction, a slot or a replica holds them, or vacuum does not run",
    reads: DATABASE,
    look,
};

/// Ages at which there is something to do, and at which the server stops: 2³¹ less a margin of three millions
/// (<https://www.postgresql.org/docs/current/routine-vacuuming.html#VACUUM-FOR-WRAPAROUND>).
const LATE: i64 = 1_500_000_000;
const STOP: i64 = 2_144_000_000;

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let upkeep = server.facts.upkeep.as_ref().filter(|it| it.oldest_xid >= LATE);
    Ok(upkeep
        .map(|upkeep| finding(scene, &server, upkeep))
        .into_iter()
        .collect())
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, upkeep: &Upkeep) -> Finding {
    let object = &server.object;
    let horizon = server.facts.contention.as_ref().and_then(|it| it.horizon.as_ref());
    // What is young holds nothing back.
    let holder = horizon.filter(|it| it.age * 2 > upkeep.oldest_xid);
    let held = holder.map_or_else(
        || "nothing holds them, so vacuum does not come to them".into(),
        Horizon::holder,
    );
    let database = crate::diagnoses::scene::clean(&upkeep.oldest_database);
    let stopped = upkeep.oldest_xid >= STOP
        || !scene
            .of_servers(Family::Postgresql, &[Answer::TransactionIdsExhausted])
            .is_empty();
    let finding = server
        .outage(
            scene,
            DIAGNOSIS.id,
            &[Answer::TransactionIdsExhausted],
            format!(
                "database {database} of {object} has transaction ids of age {}, and the server stops writes at {STOP}: {held}",
                upkeep.oldest_xid
            ),
        )
        .shown(Directness::Compared)
        .weighing(if stopped { Weight::Critical } else { Weight::Warning })
        .following(holder.map(|it| state_of(&it.kind, &it.name)))
        .because([scene.told(server, "age(datfrozenxid)", format!("{} in {database}", upkeep.oldest_xid))])
        .because(holder.map(|it| scene.told(server, "oldest xmin", format!("{} {}, age {}", it.kind, it.name, it.age))))
        .not("a busy hour", "vacuum freezes at 200 million on its own, unless something keeps it from that");
    let finding = holder
        .iter()
        .fold(finding, |finding, it| finding.mend(scene.release(server, it)));
    finding.mend(scene.psql(server.pod, &upkeep.oldest_database, "vacuum (freeze, verbose)"))
}
