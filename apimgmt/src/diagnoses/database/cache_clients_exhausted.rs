//! The cache takes no more clients.

use crate::diagnoses::scene::figures::number;
use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{
            Scene, counted,
            servers::{CACHE, Server, state_of},
        },
    },
    signatures::Answer,
    snapshot::{Unreadable, sessions::Redis},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cache-clients-exhausted",
    topic: Topic::Database,
    symptom: "The cache refuses with `max number of clients reached`",
    cause: "Clients hold every connection that `maxclients` allows: a leak, or more pods than it was made for",
    reads: CACHE,
    look,
};

const WORDS: &str = "max number of clients";

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.cache()? else {
        return Ok(Vec::new());
    };
    let facts = server.facts;
    let refused = [Some(&facts.ping), facts.untold.get("config")]
        .into_iter()
        .flatten()
        .any(|words| words.contains(WORDS));
    // Sessions of this software come and go: one that it just had is free for the next client.
    let is_full = match (number(facts, "connected_clients"), most(facts)) {
        (Some(connected), Some(most)) => {
            connected >= most || (number(facts, "rejected_connections") > Some(0) && connected * 20 >= most * 19)
        }
        _ => false,
    };
    Ok(if refused || is_full {
        vec![finding(scene, &server)]
    } else {
        Vec::new()
    })
}

fn most(facts: &Redis) -> Option<i64> {
    let configured = facts.config.get("maxclients").and_then(|most| most.parse().ok());
    number(facts, "maxclients").or(configured)
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Redis>) -> Finding {
    let (facts, object) = (server.facts, &server.object);
    let users = scene.users(server);
    let who: Vec<String> = users
        .iter()
        .map(|(workload, pods)| {
            format!(
                "{workload} ({})",
                counted(i64::try_from(*pods).unwrap_or_default(), "pod")
            )
        })
        .collect();
    let count = match (number(facts, "connected_clients"), most(facts)) {
        (Some(connected), Some(most)) => format!(": {connected} of maxclients {most} are connected"),
        _ => ": it answers `max number of clients reached`".into(),
    };
    let used = if who.is_empty() {
        String::new()
    } else {
        format!("; it is used by {}", crate::diagnoses::scene::list(&who))
    };
    let finding = server
        .outage(
            scene,
            DIAGNOSIS.id,
            &[Answer::ConnectionsExhausted],
            format!("{object} takes no more clients{count}{used}"),
        )
        .explaining([state_of("connections", object)])
        .because(
            facts
                .ping
                .contains(WORDS)
                .then(|| scene.told(server, "PING", &facts.ping)),
        )
        .because(number(facts, "connected_clients").map(|count| scene.told(server, "connected_clients", count)))
        .because(number(facts, "rejected_connections").map(|count| scene.told(server, "rejected_connections", count)))
        .because(
            facts
                .untold
                .get("config")
                .map(|words| scene.told(server, "session", words)),
        )
        .not(
            "the server is down",
            "it answers, and refuses for the number of its clients",
        );
    let finding = users.iter().take(2).fold(finding, |finding, (workload, _)| {
        finding.mend(format!("kubectl rollout restart {workload} -n {}", scene.namespace()))
    });
    finding
        .mend("Make its users give connections back (a pool of bounded size), and raise `maxclients` if their sum needs more")
        .mend(scene.redis_cli(server.pod, "CONFIG SET timeout 300"))
}
