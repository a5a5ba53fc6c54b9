//! The Secret or ConfigMap that a volume is made of does not exist, or lacks a key that the volume names.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Scene, absence, after, clean, list, quoted, since},
    },
    snapshot::{
        Pod, Source, Unreadable,
        events::Event,
        pods::{ConfigMapVolume, Volume},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "volume-source-absent",
    topic: Topic::Pod,
    symptom: "Pods stay in ContainerCreating",
    cause: "The Secret or ConfigMap that a volume is made of does not exist in this namespace",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Events,
        Source::Secrets,
        Source::ConfigMaps,
    ],
    look,
};

/// Objects are often made in the same moment as the pods that mount them.
const PATIENCE: SignedDuration = SignedDuration::from_secs(20);

/// What a pod lacks, and the kubelet's event that says so.
struct Lack<'a> {
    pod: &'a Pod,
    event: Option<&'a Event>,
}

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    let mut lacks: BTreeMap<(String, String), Vec<Lack<'a>>> = BTreeMap::new();
    let creating = |pod: &&Pod| {
        pod.status.phase == "Pending"
            && !pod.node_name.is_empty()
            && pod
                .statuses()
                .all(|status| status.state.running.is_none() && status.state.terminated.is_none())
    };
    for pod in scene.current()?.iter().copied().filter(creating) {
        let failures: Vec<&Event> = scene
            .pod_events(pod)
            .filter(|event| event.reason == "FailedMount")
            .collect();
        for (object, keys) in pod.spec.volumes.iter().flat_map(sources) {
            let name = object.split_once('/').map_or("", |(_, name)| name);
            let event = failures
                .iter()
                .copied()
                .rev()
                .find(|event| says_absent(&event.message, name));
            // The cluster's own authority is in every pod and made by a controller: only the kubelet may miss it.
            let old_enough =
                since(pod.metadata.creation_timestamp, scene.now()) > PATIENCE && name != "kube-root-ca.crt";
            let unknown = !absence::exists(scene, &object) && !absence::is_absent(scene, &object);
            if absence::is_absent(scene, &object) && (event.is_some() || old_enough) || unknown && event.is_some() {
                lacks
                    .entry((object.clone(), String::new()))
                    .or_default()
                    .push(Lack { pod, event });
            }
            let facts = absence::facts(scene, &object);
            let missing = keys
                .into_iter()
                .find(|key| facts.is_some_and(|it| !it.facts.is_empty() && !it.facts.contains_key(key)));
            let refused = failures
                .iter()
                .copied()
                .rev()
                .find(|event| event.message.contains("references non-existent"));
            if let (Some(key), Some(event)) = (missing, refused) {
                lacks.entry((object, key)).or_default().push(Lack {
                    pod,
                    event: Some(event),
                });
            }
        }
    }
    Ok(lacks
        .into_iter()
        .map(|((object, key), lacks)| finding(scene, &object, &key, &lacks))
        .collect())
}

fn finding<'a>(scene: &Scene<'a>, object: &str, key: &str, lacks: &[Lack<'a>]) -> Finding {
    let mut workloads: Vec<String> = lacks.iter().map(|lack| scene.workload(lack.pod)).collect();
    workloads.sort();
    workloads.dedup();
    let (kind, name) = object.split_once('/').unwrap_or(("secret", object));
    let (kind, name, who) = (absence::kind_name(kind), clean(name), list(&workloads));
    let cause = if key.is_empty() {
        format!(
            "the {kind} `{name}`, which a volume of {who} is made of, does not exist in namespace {}",
            scene.namespace()
        )
    } else {
        format!(
            "the {kind} `{name}` has no key `{}`, which a volume of {who} names",
            clean(key)
        )
    };
    let said = lacks.iter().any(|lack| lack.event.is_some());
    let mut finding = Finding::new(DIAGNOSIS.id, clean(object), cause)
        .shown(if said { Directness::Said } else { Directness::Compared })
        .explaining(lacks.iter().map(|lack| lack.pod.object()))
        .because(
            lacks
                .iter()
                .take(3)
                .filter_map(|lack| Some(scene.event(lack.pod.object(), lack.event?))),
        )
        .because(absence::evidence(scene, object))
        .not(
            "the image is slow to pull",
            "volumes are mounted before any image is pulled",
        );
    if let Some(near) = absence::nearest(scene, object) {
        finding = finding
            .mend(format!("kubectl edit {} -n {}", workloads[0], scene.namespace()))
            .mend(format!("Name `{near}` there if that is what was meant"));
    }
    finding.mend(absence::creation(scene, object))
}

/// `secret "tls" not found`; in a projected volume `secret "tls" not found` among others.
fn says_absent(message: &str, name: &str) -> bool {
    message.contains("not found")
        && (quoted(message, "secret ") == Some(name)
            || quoted(message, "configmap ") == Some(name)
            || after(message, "object ").is_some_and(|it| it.ends_with(&format!("/{name}"))))
}

/// The objects that a volume cannot do without, each with the keys it names.
fn sources(volume: &Volume) -> Vec<(String, Vec<String>)> {
    let keys =
        |items: &[crate::snapshot::pods::KeyToPath]| items.iter().map(|item| item.key.clone()).collect::<Vec<_>>();
    let of =
        |kind: &str, it: &ConfigMapVolume| (!it.optional).then(|| (format!("{kind}/{}", it.name), keys(&it.items)));
    let secret = volume
        .secret
        .as_ref()
        .filter(|it| !it.optional)
        .map(|it| (format!("secret/{}", it.secret_name), keys(&it.items)));
    let config_map = volume.config_map.as_ref().and_then(|it| of("configmap", it));
    let projected = volume.projected.iter().flat_map(|it| &it.sources).flat_map(|source| {
        let secret = source.secret.as_ref().and_then(|it| of("secret", it));
        secret
            .into_iter()
            .chain(source.config_map.as_ref().and_then(|it| of("configmap", it)))
    });
    secret.into_iter().chain(config_map).chain(projected).collect()
}
