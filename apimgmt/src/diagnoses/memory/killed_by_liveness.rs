//! A container that ended with 137 was killed because its liveness probe failed, not for want of memory.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Group, Kill, Scene, Sighting, minutes, per_workload, servers::state_of},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "killed-by-liveness",
    topic: Topic::Memory,
    symptom: "Containers end with exit code 137, as if for want of memory",
    cause: "The liveness probe fails while the container runs, so the kubelet kills it",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Events,
        Source::Logs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
    ],
    look,
};

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    let kills = scene.kills()?;
    // Asked in any case: a probe may fail because something that the application needs is away.
    let _ = (scene.snapshot.logs(), scene.ask_dependencies());
    let mine = kills
        .iter()
        .filter(|kill| kill.event.is_none() || !kill.never_passed() && !scene.is_probe_wrong(kill));
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
        .filter_map(|group| Some(finding(scene, group, &kills[of_group(group)?])))
        .collect())
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>, kill: &Kill<'a>) -> Finding {
    let Sighting { pod, status } = group.first();
    let failure = kill.failure;
    let said = failure
        .and_then(|event| event.message.split_once("failed: "))
        .map(|(_, said)| said.trim())
        .filter(|said| !said.is_empty());
    let how = said.map_or(String::new(), |said| {
        format!(" ({})", crate::diagnoses::scene::clean(said))
    });
    let code = kill.ended.exit_code;
    let last = scene.log(pod, &status.name, status.state.terminated.is_none()).last();
    let reason = if kill.event.is_some() {
        "its liveness probe failed"
    } else {
        "presumably its liveness probe failed"
    };
    let mut finding = Finding::new(
        DIAGNOSIS.id,
        &group.workload,
        format!("container {} of {} stopped answering after {}: {reason}{how}, and the kubelet killed it (exit code {code})", status.name, group.workload, minutes(kill.lasted())),
    )
    .shown(if kill.event.is_some() { Directness::Said } else { Directness::Inferred })
    .explaining(group.pods())
    .following(scene.missing(pod).iter().map(|backing| backing.object()))
    .following(scene.needs(pod).iter().map(|need| state_of("answer", need.service)))
    .because(failure.into_iter().chain(kill.event).map(|event| scene.event(pod.object(), event)))
    .because(group.states(scene))
    .because(last.map(|line| scene.log_line(pod, &status.name, status.state.terminated.is_none(), line)))
    .not("out of memory", format!("the run ended with reason {}, not OOMKilled", kill.ended.reason));
    if kill.event.is_some() {
        finding = finding.not(
            "a slow start",
            format!(
                "it passed the probe at first: the probe alone would have ended it after {}",
                minutes(kill.window())
            ),
        );
    }
    if kill.is_single() {
        finding = finding.weighing(Weight::Warning);
    }
    finding
        .mend(format!("kubectl logs {} -c {} --previous -n {}", pod.object(), status.name, scene.namespace()))
        .mend("Find what blocks the server (a lock, a full pool, a dependency that the probe asks); a liveness probe should ask the process alone")
}
