//! The cache cannot save its data, and takes no writes until it can.

use crate::diagnoses::scene::figures::{errors, word};
use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic, Weight,
        scene::{
            Scene, clean,
            servers::{CACHE, Server, container_of},
        },
    },
    signatures::{Answer, Family},
    snapshot::{Unreadable, sessions::Redis},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cache-save-failing",
    topic: Topic::Database,
    symptom: "The cache refuses writes with `MISCONF`, or its last save failed",
    cause: "A snapshot or the append-only file cannot be written: no room, no memory to fork, or no permission",
    reads: CACHE,
    look,
};

/// The fields of INFO that tell how the last save ended.
const STATES: [&str; 3] = [
    "rdb_last_bgsave_status",
    "aof_last_bgrewrite_status",
    "aof_last_write_status",
];

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.cache()? else {
        return Ok(Vec::new());
    };
    let failed: Vec<&str> = STATES
        .into_iter()
        .filter(|name| word(server.facts, name) == "err")
        .collect();
    Ok(if failed.is_empty() {
        Vec::new()
    } else {
        vec![finding(scene, &server, &failed)]
    })
}

fn finding<'a>(scene: &Scene<'a>, server: &Server<'a, Redis>, failed: &[&str]) -> Finding {
    let (facts, object) = (server.facts, &server.object);
    let parameter = |name: &str| facts.config.get(name).map(String::as_str);
    let saves = parameter("save").is_none_or(|save| !save.is_empty());
    let stops = parameter("stop-writes-on-bgsave-error").is_none_or(|stops| stops == "yes");
    let refuses = failed.contains(&STATES[2]) || (failed.contains(&STATES[0]) && saves && stops);
    let said = scene.of_servers(Family::Redis, &[Answer::SaveFailed]);
    let own = said.iter().find(|said| {
        server
            .pod
            .is_some_and(|pod| pod.metadata.name == said.pod.metadata.name)
    });
    let why = own.map_or(String::new(), |said| format!(": `{}`", reason(said.line)));
    let what = if failed.contains(&STATES[0]) {
        "its snapshot"
    } else {
        "its append-only file"
    };
    let effect = if refuses {
        "refuses writes (MISCONF), since"
    } else {
        "is not saved:"
    };
    let directory = parameter("dir").filter(|dir| dir.starts_with('/')).unwrap_or("/data");
    let mut finding = server
        .outage(
            scene,
            DIAGNOSIS.id,
            &[Answer::SaveFailed],
            format!(
                "{object} {effect} {what} cannot be written to {}{why}",
                clean(directory)
            ),
        )
        .because(failed.iter().map(|name| scene.told(server, name, "err")))
        .because([scene.told(server, "errorstat_MISCONF", errors(facts, "MISCONF"))])
        .because(own.map(|said| scene.log_line(said.pod, said.container, said.previous, said.line)))
        .not("the server is down", "it answers, and reads are served");
    if !refuses {
        finding = finding.weighing(Weight::Warning);
    }
    let container = server
        .pod
        .and_then(|pod| Some((pod, container_of(pod, Family::Redis)?)));
    if let Some((pod, container)) = container {
        finding = finding.mend(format!(
            "kubectl exec -n {} {} -c {} -- df -h {}",
            scene.namespace(),
            pod.object(),
            container.name,
            clean(directory)
        ));
    }
    finding
        .mend("Make room in the volume, give the container memory for the fork, or make the folder writable; then save once")
        .mend(scene.redis_cli(server.pod, "BGSAVE"))
}

/// What a line of Redis' log says after its time and level.
fn reason(line: &str) -> String {
    let said = line
        .split_once(" # ")
        .or_else(|| line.split_once(" * "))
        .map_or(line, |(_, said)| said);
    clean(said)
}
