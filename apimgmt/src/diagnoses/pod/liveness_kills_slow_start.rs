//! The liveness probe kills a container that needs longer to start than the probe allows.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Group, Kill, ProbeKind, Scene, Sighting, minutes, per_workload, probe_patch, servers::state_of},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "liveness-kills-slow-start",
    topic: Topic::Pod,
    symptom: "Containers are restarted again and again before they are ready",
    cause: "The container needs longer to start than its liveness or startup probe allows",
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
    // Asked in any case: a start may be slow because something it needs is away.
    let _ = (scene.snapshot.logs(), scene.ask_dependencies());
    let mine = kills
        .iter()
        .filter(|kill| kill.event.is_some() && kill.never_passed() && !scene.is_probe_wrong(kill));
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
    let word = kill.kind.word().to_ascii_lowercase();
    let probe = kill.probe;
    let sum = format!(
        "initialDelaySeconds {} + {} × periodSeconds {}",
        probe.initial_delay_seconds, probe.failure_threshold, probe.period_seconds
    );
    let allowed = minutes(kill.window());
    let failure = kill.failure;
    let runs = if kill.ended.started_at.is_some() {
        format!("; its last run was killed after {}", minutes(kill.lasted()))
    } else {
        String::new()
    };
    Finding::new(
        DIAGNOSIS.id,
        &group.workload,
        format!("container {} of {} needs longer to start than the {allowed} that its {word} probe allows ({sum}){runs}", status.name, group.workload),
    )
    .shown(Directness::Compared)
    .explaining(group.pods())
    .following(scene.missing(pod).iter().map(|backing| backing.object()))
    .following(scene.needs(pod).iter().map(|need| state_of("answer", need.service)))
    .because(failure.into_iter().chain(kill.event).map(|event| scene.event(pod.object(), event)))
    .because(group.states(scene))
    .because([scene.field(Source::Pods, pod.object(), &format!("spec.containers[{}].{}", status.name, kill.kind.field()), &sum)])
    .not("out of memory", format!("the run ended with reason {}, not OOMKilled", kill.ended.reason))
    .not("the application crashes", "the kubelet killed it, it did not end by itself")
    .mend(match kill.kind {
        ProbeKind::Startup => format!("kubectl edit {} -n {}", group.workload, scene.namespace()),
        _ => probe_patch::startup_probe(scene, group, probe),
    })
    .mend("Give the start its own time with a startup probe instead of a longer initialDelaySeconds, so that a later hang is still found fast")
}
