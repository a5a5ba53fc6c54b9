//! A pod is visibly ill, and no diagnosis recognises why. It is asked last and looks at what the others left.

use std::collections::BTreeMap;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, trouble},
    },
    snapshot::{Pod, Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "unexplained",
    topic: Topic::Pod,
    symptom: "A pod is not ready",
    cause: "Nothing that is recognised explains it; what was seen is shown",
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

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = scene.snapshot.events();
    scene.ask_dependencies();
    let mut ill: BTreeMap<String, Vec<(&Pod, String)>> = BTreeMap::new();
    for pod in scene.current()?.iter().copied().filter(|pod| !scene.is_explained(pod)) {
        if let Some(seen) = trouble(pod, scene.now()) {
            ill.entry(scene.workload(pod)).or_default().push((pod, seen));
        }
    }
    Ok(ill
        .into_iter()
        .map(|(workload, pods)| finding(scene, workload, &pods))
        .collect())
}

fn finding<'a>(scene: &Scene<'a>, workload: String, pods: &[(&'a Pod, String)]) -> Finding {
    let (pod, seen) = &pods[0];
    let (pod, namespace) = (*pod, scene.namespace());
    let others = match pods.len() {
        1 => String::new(),
        count => format!(", as are {} more pods of {workload}", count - 1),
    };
    let object = if pods.len() == 1 { pod.object() } else { workload };
    let ill = pod.statuses().find(|status| {
        !status.ready
            && status
                .state
                .terminated
                .as_ref()
                .is_none_or(|ended| ended.exit_code != 0)
    });
    let lines = ill.into_iter().flat_map(|status| {
        let previous = status.state.waiting.is_some();
        scene
            .log(pod, &status.name, previous)
            .iter()
            .rev()
            .take(3)
            .rev()
            .map(move |line| scene.log_line(pod, &status.name, previous, line))
    });
    let ended = ill.and_then(|status| {
        let ended = status
            .state
            .terminated
            .as_ref()
            .or(status.last_state.terminated.as_ref())?;
        Some(scene.ended_state(
            pod,
            &status.name,
            if status.state.terminated.is_some() {
                "state"
            } else {
                "lastState"
            },
            ended,
        ))
    });
    let waiting = ill.and_then(|status| Some(scene.waiting_state(pod, &status.name, status.state.waiting.as_ref()?)));
    let warnings: Vec<_> = scene.pod_events(pod).filter(|event| event.kind == "Warning").collect();
    let container = ill.map_or(String::new(), |status| format!(" -c {}", status.name));
    Finding::new(
        DIAGNOSIS.id,
        object,
        format!(
            "{} is not ready ({seen}){others}, and nothing recognised explains it",
            pod.object()
        ),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Inferred)
    .explaining(pods.iter().map(|(pod, _)| pod.object()))
    .following(scene.missing(pod).iter().map(|backing| backing.object()))
    .because(scene.pod_condition(pod, "Ready"))
    .because(waiting)
    .because(ended)
    .because(
        warnings
            .iter()
            .rev()
            .take(2)
            .map(|event| scene.event(pod.object(), event)),
    )
    .because(lines)
    .mend(format!("kubectl describe {} -n {namespace}", pod.object()))
    .mend(format!("kubectl logs {}{container} -n {namespace}", pod.object()))
}
