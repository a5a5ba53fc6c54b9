//! Parameters of the database let a crash lose what it confirmed, or damage its data.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Scene,
            commands::parameter,
            list,
            servers::{DATABASE, Server, container_of},
        },
    },
    signatures::Family,
    snapshot::{Unreadable, sessions::Postgresql},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "durability-off",
    topic: Topic::Database,
    symptom: "Data is lost or damaged after a crash",
    cause: "`fsync`, `full_page_writes` or `synchronous_commit` is off",
    reads: DATABASE,
    look,
};

/// Each with what a crash does without it (<https://www.postgresql.org/docs/current/runtime-config-wal.html>).
const PARAMETERS: [(&str, &str); 3] = [
    ("fsync", "a crash of the node may leave the whole data unusable"),
    ("full_page_writes", "a crash of the node may leave torn pages"),
    (
        "synchronous_commit",
        "a crash loses the last transactions that were confirmed",
    ),
];

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.database()? else {
        return Ok(Vec::new());
    };
    let is_off = |name: &str| server.facts.settings.get(name).is_some_and(|it| it.value == "off");
    let off: Vec<_> = PARAMETERS.into_iter().filter(|(name, _)| is_off(name)).collect();
    Ok(if off.is_empty() {
        Vec::new()
    } else {
        vec![finding(scene, &server, &off)]
    })
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Postgresql>, off: &[(&str, &str)]) -> Finding {
    let object = &server.object;
    let names: Vec<String> = off.iter().map(|(name, _)| (*name).to_owned()).collect();
    let verb = if names.len() == 1 { "is" } else { "are" };
    let finding = Finding::new(
        DIAGNOSIS.id,
        object,
        format!("{} {verb} off on {object}: {}", list(&names), off[0].1),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Said)
    .because(off.iter().map(|(name, _)| scene.told(server, name, "off")))
    .not("a value of one session", "it is what every new session gets");
    let container = server.pod.and_then(|pod| container_of(pod, Family::Postgresql));
    let finding = names.iter().fold(finding, |finding, name| {
        match container.and_then(|container| parameter(container, name)) {
            // What the command line sets stays, whatever a file says.
            Some(_) => finding.mend(format!("Take `{name}=off` out of the arguments of {object}")),
            None => finding.mend(scene.psql(server.pod, "postgres", &format!("alter system reset {name}"))),
        }
    });
    finding.mend(scene.psql(server.pod, "postgres", "select pg_reload_conf()"))
}
