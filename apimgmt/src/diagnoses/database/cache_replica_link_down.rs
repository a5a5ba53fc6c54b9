//! A replica of the cache does not follow its master.

use crate::diagnoses::scene::figures::{number, word};
use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Said, Scene, clean, lasting, servers::CACHE},
    },
    signatures::{Answer, Family},
    snapshot::{Pod, Unreadable, sessions::Redis},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "cache-replica-link-down",
    topic: Topic::Database,
    symptom: "A replica of the cache is not ready, or has old data",
    cause: "The replica cannot reach its master, or is refused by it",
    reads: CACHE,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let Some(server) = scene.cache()? else {
        return Ok(Vec::new());
    };
    let said = scene.of_servers(Family::Redis, &[Answer::MasterLost]);
    let lost = server
        .facts
        .followers
        .iter()
        .filter(|it| word(it, "master_link_status") == "down");
    let mut findings: Vec<Finding> = lost
        .map(|it| {
            let line = said.iter().find(|said| said.pod.object() == it.object);
            follower(scene, it, line)
        })
        .collect();
    // Those that could not be asked speak in their logs.
    let is_told = |said: &&Said<'_>| findings.iter().all(|finding| finding.object != said.pod.object());
    let own = server.pod.map(Pod::object);
    let silent: Vec<_> = said
        .iter()
        .filter(|said| !said.pod.is_ready() && Some(said.pod.object()) != own)
        .filter(is_told)
        .collect();
    let more: Vec<_> = silent.into_iter().map(|said| by_log(scene, said)).collect();
    findings.extend(more);
    Ok(findings)
}

fn follower<'a>(scene: &Scene<'a>, redis: &Redis, line: Option<&Said<'a>>) -> Finding {
    let object = &redis.object;
    let seconds = number(redis, "master_link_down_since_seconds").filter(|seconds| *seconds >= 0);
    #[expect(clippy::cast_precision_loss, reason = "a time that is shown")]
    let since = seconds.map_or(String::new(), |seconds| format!(" for {}", lasting(seconds as f64)));
    let why = line.map_or(String::new(), |said| format!(": `{}`", reason(said.line)));
    let master = format!("{}:{}", word(redis, "master_host"), word(redis, "master_port"));
    let told = |field: &str, value: String| {
        crate::checklist::Evidence::moving(
            scene.snapshot,
            crate::snapshot::Source::Redis,
            object,
            field,
            clean(&value),
        )
    };
    finish(
        scene,
        Finding::new(
            DIAGNOSIS.id,
            object,
            format!("{object} has not followed its master {}{since}{why}", clean(&master)),
        )
        .shown(Directness::Said)
        .because([told("master_link_status", "down".into())])
        .because(seconds.map(|seconds| told("master_link_down_since_seconds", seconds.to_string()))),
        line,
    )
}

fn by_log<'a>(scene: &Scene<'a>, said: &Said<'a>) -> Finding {
    let object = said.pod.object();
    let cause = format!("{object} does not follow its master: `{}`", reason(said.line));
    finish(scene, Finding::new(DIAGNOSIS.id, object, cause), Some(said))
}

fn finish<'a>(scene: &Scene<'a>, finding: Finding, line: Option<&Said<'a>>) -> Finding {
    let refused = line.is_some_and(|said| said.line.contains("NOAUTH") || said.line.contains("WRONGPASS"));
    let object = finding.object.clone();
    let remedy = if refused {
        "Give the replica the master's password (`masterauth`, `masteruser`)"
    } else {
        "Let it reach its master: is that up, is its name right, does a NetworkPolicy allow replicas among themselves?"
    };
    finding
        .weighing(Weight::Warning)
        .explaining([object.clone()])
        .because(line.map(|said| scene.log_line(said.pod, said.container, said.previous, said.line)))
        .not("the cache is down", "its master answers")
        .mend(remedy)
        .mend(format!("kubectl logs {object} -n {} --tail=20", scene.namespace()))
}

fn reason(line: &str) -> String {
    let said = line
        .split_once(" # ")
        .or_else(|| line.split_once(" * "))
        .map_or(line, |(_, said)| said);
    clean(said)
}
