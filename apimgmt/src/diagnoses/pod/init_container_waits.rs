//! An init container waits for something that nothing answers for, so the pod never starts.

use jiff::SignedDuration;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Group, Scene, Sighting, is_initial, list, minutes, per_workload, since, trouble},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "init-container-waits",
    topic: Topic::Pod,
    symptom: "Pods stay in Init",
    cause: "An init container waits for a dependency that has nothing ready behind it",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Logs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
    ],
    look,
};

/// Waiting a little for what starts at the same time is what these containers are for.
const PATIENCE: SignedDuration = SignedDuration::from_secs(30);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    scene.ask_dependencies();
    let seen = scene.containers()?.filter(|sighting| {
        let runs_for = sighting
            .status
            .state
            .running
            .as_ref()
            .map(|running| since(running.started_at, scene.now()));
        is_initial(sighting.pod, &sighting.status.name)
            && (runs_for.is_some_and(|it| it > PATIENCE) || sighting.is_down())
    });
    let groups = per_workload(
        scene,
        seen.map(|sighting| (sighting.status.name.to_string(), sighting))
            .collect::<Vec<_>>(),
    );
    Ok(groups.iter().filter_map(|group| finding(scene, group)).collect())
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>) -> Option<Finding> {
    let Sighting { pod, status } = group.first();
    let container = pod.container(&status.name)?;
    let needed = scene.container_addresses(container, &pod.spec);
    let mut down: Vec<_> = needed
        .iter()
        .filter_map(|(target, place)| Some((scene.service_at(&target.host)?, target, place)))
        .filter(|(backing, ..)| backing.is_down())
        .collect();
    down.sort_by_key(|(backing, ..)| backing.object());
    down.dedup_by_key(|(backing, ..)| backing.object());
    // What is starting may be ready in a moment.
    down.retain(|(backing, ..)| {
        backing.pods.is_empty()
            || backing.pods.iter().any(|it| trouble(it, scene.now()).is_some())
            || trouble(pod, scene.now()).is_some()
    });
    let (backing, ..) = down.first()?;
    let whom = list(&down.iter().map(|(backing, ..)| backing.object()).collect::<Vec<_>>());
    let for_long = status.state.running.as_ref().map_or(String::new(), |running| {
        format!(" has waited {} and", minutes(since(running.started_at, scene.now())))
    });
    let last = scene.log(pod, &status.name, false).last();
    Some(
        Finding::new(
            DIAGNOSIS.id,
            backing.object(),
            format!(
                "init container {} of {}{for_long} waits for {whom}, where nothing is ready",
                status.name, group.workload
            ),
        )
        .shown(Directness::Compared)
        .explaining(group.pods())
        .following(down.iter().map(|(backing, ..)| backing.object()))
        .because(
            down.iter()
                .filter_map(|(backing, ..)| scene.endpoints_evidence(backing)),
        )
        .because(
            down.iter()
                .map(|(_, target, place)| scene.field(Source::Pods, pod.object(), place, target)),
        )
        .because(last.map(|line| scene.log_line(pod, &status.name, false, line)))
        .not("the application fails", "its containers have not been started yet")
        .mend(format!(
            "kubectl describe {} -n {}",
            backing.object(),
            scene.namespace()
        ))
        .mend(format!(
            "kubectl get endpointslices -n {} -l kubernetes.io/service-name={}",
            scene.namespace(),
            backing.service.metadata.name
        )),
    )
}
