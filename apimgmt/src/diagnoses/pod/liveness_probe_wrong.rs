//! The liveness or startup probe asks for a port or path that the container does not serve, and kills it for that.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Group, Kill, Scene, Sighting, per_workload, probe_patch},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "liveness-probe-wrong",
    topic: Topic::Pod,
    symptom: "Containers are restarted again and again",
    cause: "The liveness or startup probe asks for a port or path that the container does not serve",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Events,
        Source::Logs,
    ],
    look,
};

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    let kills = scene.kills()?;
    let _ = scene.snapshot.logs();
    let mine = kills
        .iter()
        .filter(|kill| kill.event.is_some() && scene.is_probe_wrong(kill));
    let groups = per_workload(
        scene,
        mine.map(|kill| (kill.sighting.status.name.to_string(), kill.sighting)),
    );
    let of_group = |group: &Group<'a>| {
        kills
            .iter()
            .position(|kill| std::ptr::eq(kill.sighting.status, group.first().status))
    };
    Ok(groups
        .iter()
        .filter_map(|group| finding(scene, group, &kills[of_group(group)?]))
        .collect())
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>, kill: &Kill<'a>) -> Option<Finding> {
    let Sighting { pod, status } = group.first();
    let container = pod.container(&status.name)?;
    let wrong = scene.wrong_probe(pod, container, kill.kind)?;
    let word = kill.kind.word().to_ascii_lowercase();
    let failure = kill.failure;
    let finding = Finding::new(
        DIAGNOSIS.id,
        &group.workload,
        format!(
            "the {word} probe of container {} of {} {}, so the kubelet kills it",
            status.name, group.workload, wrong.fault
        ),
    )
    .shown(if wrong.answered {
        Directness::Said
    } else {
        Directness::Compared
    })
    .explaining(group.pods())
    .because(
        failure
            .into_iter()
            .chain(kill.event)
            .map(|event| scene.event(pod.object(), event)),
    )
    .because(group.states(scene))
    .not(
        "out of memory",
        format!("the run ended with reason {}, not OOMKilled", kill.ended.reason),
    );
    Some(probe_patch::mended(scene, finding, group, kill.kind, &wrong))
}
