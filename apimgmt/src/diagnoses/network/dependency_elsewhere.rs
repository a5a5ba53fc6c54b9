//! An address leads to a service of another namespace, and one of the same name is here.

use std::collections::BTreeMap;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean},
    },
    snapshot::{Pod, Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "dependency-elsewhere",
    topic: Topic::Network,
    symptom: "The application shows or changes the data of another environment, or is refused by its server",
    cause: "An address in the configuration names the service of another namespace",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
        Source::Logs,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    scene.ask_dependencies();
    let mut astray: BTreeMap<(String, String), (String, String, Vec<&Pod>)> = BTreeMap::new();
    for pod in scene.current()?.iter().copied() {
        for (target, place) in scene.addresses(&pod.spec) {
            if let Some(service) = scene.namesake(&target.host) {
                let key = (scene.workload(pod), service.to_owned());
                let (.., pods) = astray
                    .entry(key)
                    .or_insert_with(|| (target.host.clone(), place, Vec::new()));
                pods.push(pod);
            }
        }
    }
    let findings = astray
        .into_iter()
        .map(|((workload, service), (host, place, pods))| finding(scene, &workload, &service, (&host, &place), &pods));
    Ok(findings.collect())
}

fn finding(scene: &Scene<'_>, workload: &str, service: &str, (host, place): (&str, &str), pods: &[&Pod]) -> Finding {
    let works = pods.iter().all(|pod| pod.is_ready());
    let (host, namespace) = (clean(host), scene.namespace());
    let elsewhere = host.split('.').nth(1).unwrap_or_default();
    let object = format!("service/{service}");
    let holder = place.split_once(" key ").map(|(holder, _)| holder);
    Finding::new(
        DIAGNOSIS.id,
        workload,
        format!(
            "{workload} is sent to `{host}` (in {place}), which is of namespace {elsewhere}, though {object} is here"
        ),
    )
    .weighing(if works { Weight::Warning } else { Weight::Critical })
    .shown(Directness::Compared)
    .explaining(pods.iter().filter(|pod| !pod.is_ready()).map(|pod| pod.object()))
    .because([
        scene.field(Source::Pods, workload, place, &host),
        scene.field(Source::Services, &object, "metadata.namespace", namespace),
    ])
    .mend(match holder {
        Some(holder) => format!("kubectl edit {holder} -n {namespace}"),
        None => format!("kubectl edit {workload} -n {namespace}"),
    })
    .mend(format!(
        "Write `{service}` there, if the server of this namespace is meant"
    ))
}
