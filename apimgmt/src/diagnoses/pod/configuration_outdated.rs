//! Pods run with variables from before their ConfigMap or Secret was changed: variables are read when a container starts.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, logins::started_at},
    },
    snapshot::{
        Pod, Source, Unreadable,
        pods::Container,
        sensitive::{Sensitive, named},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "configuration-outdated",
    topic: Topic::Pod,
    symptom: "A changed setting has no effect",
    cause: "The ConfigMap or Secret was changed after the pods had read their variables from it",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::ConfigMaps,
        Source::Secrets,
    ],
    look,
};

/// A rollout begins with the change of the object and ends with pods that have read it.
const PATIENCE: SignedDuration = SignedDuration::from_mins(1);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (config_maps, secrets) = (
        scene.snapshot.config_maps().map(Vec::as_slice).unwrap_or_default(),
        scene.snapshot.secrets().map(Vec::as_slice).unwrap_or_default(),
    );
    let mut old: BTreeMap<(String, String), (Timestamp, Vec<&Pod>)> = BTreeMap::new();
    for pod in scene.current()?.iter().copied().filter(|pod| !is_rolled(pod)) {
        let containers = || pod.spec.containers.iter();
        let of_maps = containers().flat_map(|container| sources(container, config_maps, Kind::ConfigMap));
        let of_secrets = containers().flat_map(|container| sources(container, secrets, Kind::Secret));
        for (object, changed) in of_maps.chain(of_secrets) {
            let is_settled = scene.now().duration_since(changed) > PATIENCE;
            if is_settled && started_at(pod).is_some_and(|started| started < changed) {
                let (_, pods) = old
                    .entry((scene.workload(pod), object))
                    .or_insert_with(|| (changed, Vec::new()));
                if !pods.contains(&pod) {
                    pods.push(pod);
                }
            }
        }
    }
    let findings = old
        .into_iter()
        .map(|((workload, object), (changed, pods))| finding(scene, &workload, &object, changed, &pods));
    Ok(findings.collect())
}

/// Whether its template carries a checksum of its configuration: what would change the pod makes a new one.
fn is_rolled(pod: &Pod) -> bool {
    pod.metadata
        .annotations
        .keys()
        .any(|key| key.contains("checksum") || key.contains("config-hash"))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    ConfigMap,
    Secret,
}

/// The objects of a kind that a container's variables come from, each with when it was changed.
fn sources(container: &Container, objects: &[Sensitive], kind: Kind) -> Vec<(String, Timestamp)> {
    let of_keys = container.env.iter().filter_map(|variable| {
        let source = variable.value_from.as_ref()?;
        let reference = match kind {
            Kind::ConfigMap => source.config_map_key_ref.as_ref()?,
            Kind::Secret => source.secret_key_ref.as_ref()?,
        };
        Some(reference.name.as_str())
    });
    let of_all = container.env_from.iter().filter_map(|source| {
        let reference = match kind {
            Kind::ConfigMap => source.config_map_ref.as_ref()?,
            Kind::Secret => source.secret_ref.as_ref()?,
        };
        Some(reference.name.as_str())
    });
    let word = match kind {
        Kind::ConfigMap => "configmap",
        Kind::Secret => "secret",
    };
    of_keys
        .chain(of_all)
        .filter_map(|name| Some((format!("{word}/{name}"), named(objects, name)?.changed_at?)))
        .collect()
}

fn finding(scene: &Scene<'_>, workload: &str, object: &str, changed: Timestamp, pods: &[&Pod]) -> Finding {
    let first = pods[0];
    let started = started_at(first).unwrap_or_default();
    let source = if object.starts_with("secret/") {
        Source::Secrets
    } else {
        Source::ConfigMaps
    };
    Finding::new(
        DIAGNOSIS.id,
        workload,
        format!(
            "{workload} runs with variables of before {object} was changed at {changed}: {} of its pods started earlier",
            pods.len()
        ),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Compared)
    // Who is refused for an old password is told by the server's own diagnosis.
    .following(pods.iter().map(|pod| pod.object()).chain([workload.to_owned()]))
    .because([
        scene.field(source, object, "changed at", changed),
        scene.field(Source::Pods, first.object(), "state.running.startedAt", started),
    ])
    .mend(format!("kubectl rollout restart {workload} -n {}", scene.namespace()))
}
