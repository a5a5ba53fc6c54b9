//! The readiness probe asks for a port or path that the container does not serve.

use jiff::SignedDuration;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Group, ProbeKind, Scene, Sighting, per_workload, probe_patch, since},
    },
    snapshot::{Source, Unreadable, pods::Probe},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "readiness-probe-wrong",
    topic: Topic::Pod,
    symptom: "Pods run but never become ready",
    cause: "The readiness probe asks for a port or path that the container does not serve",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Events,
        Source::Logs,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (_, _) = (scene.snapshot.events(), scene.snapshot.logs());
    let seen = scene.containers()?.filter(|sighting| is_wrong(scene, *sighting));
    let seen: Vec<_> = seen
        .map(|sighting| (sighting.status.name.to_string(), sighting))
        .collect();
    Ok(per_workload(scene, seen)
        .into_iter()
        .filter_map(|group| finding(scene, &group))
        .collect())
}

/// A container that runs, was probed often enough to be ready, and whose probe cannot pass.
fn is_wrong<'a>(scene: &Scene<'a>, sighting: Sighting<'a>) -> bool {
    let Sighting { pod, status } = sighting;
    let Some(container) = pod.container(&status.name) else {
        return false;
    };
    let (Some(running), Some(probe)) = (&status.state.running, &container.readiness_probe) else {
        return false;
    };
    let runs_for = since(running.started_at, scene.now());
    let unready = !status.ready && status.started != Some(false);
    unready
        && runs_for > window(probe)
        && scene
            .wrong_probe(pod, container, ProbeKind::Readiness)
            .is_some_and(|wrong| {
                !wrong.answered || scene.failures(pod, &status.name, ProbeKind::Readiness) >= probe.failure_threshold
            })
}

/// How long a probe takes to fail for good.
fn window(probe: &Probe) -> SignedDuration {
    SignedDuration::from_secs(probe.initial_delay_seconds + probe.period_seconds * probe.failure_threshold)
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>) -> Option<Finding> {
    let Sighting { pod, status } = group.first();
    let container = pod.container(&status.name)?;
    let wrong = scene.wrong_probe(pod, container, ProbeKind::Readiness)?;
    let event = scene.probe_failure(pod, &status.name, ProbeKind::Readiness);
    let probe = ProbeKind::Readiness.of(container).map(|it| {
        serde_json::json!(
            it.http_get
                .as_ref()
                .map_or(serde_json::json!(it.tcp_socket), |get| serde_json::json!(get))
        )
    });
    let ports: Vec<String> = container
        .ports
        .iter()
        .map(|port| port.container_port.to_string())
        .collect();
    let finding = Finding::new(
        DIAGNOSIS.id,
        &group.workload,
        format!(
            "the readiness probe of container {} of {} {}",
            status.name, group.workload, wrong.fault
        ),
    )
    .shown(if wrong.answered {
        Directness::Said
    } else {
        Directness::Compared
    })
    .explaining(group.pods())
    .because(event.map(|event| scene.event(pod.object(), event)))
    .because([
        scene.field(
            Source::Pods,
            pod.object(),
            &format!("spec.containers[{}].readinessProbe", status.name),
            probe.unwrap_or_default(),
        ),
        scene.field(
            Source::Pods,
            pod.object(),
            &format!("spec.containers[{}].ports", status.name),
            ports.join(", "),
        ),
    ])
    .not(
        "the application fails",
        "it runs, and its probe cannot pass whatever it does",
    );
    Some(probe_patch::mended(scene, finding, group, ProbeKind::Readiness, &wrong))
}
