//! The kubelet evicts pods of a workload again and again: they take more than their bound, or their node runs out.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{Scene, clean, counted, since, trouble},
    },
    snapshot::{Pod, Source, Unreadable, condition},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "pod-evicted",
    topic: Topic::Memory,
    symptom: "Pods end with the reason Evicted, and new ones take their place",
    cause: "A pod takes more local storage than its bound, or its node runs out of memory or storage",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs],
    look,
};

/// Evictions in this time belong together.
const SERIES: SignedDuration = SignedDuration::from_mins(15);
/// As many say that the next pod goes the same way.
const MANY: usize = 2;

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let mut evicted: BTreeMap<(String, String), Vec<&Pod>> = BTreeMap::new();
    let recent = scene
        .pods()?
        .iter()
        .filter(|pod| pod.status.reason == "Evicted" && since(evicted_at(pod), scene.now()) < SERIES)
        .filter(|pod| !scene.is_of_former_template(pod));
    for pod in recent {
        let workload = scene.workload(pod);
        let object = if is_short(pod) {
            format!("node/{}", pod.node_name)
        } else {
            workload.clone()
        };
        evicted.entry((object, workload)).or_default().push(pod);
    }
    let current = scene.current()?;
    let found = evicted.into_iter().filter_map(|((object, workload), pods)| {
        let ill: Vec<String> = current
            .iter()
            .filter(|pod| trouble(pod, scene.now()).is_some() && scene.workload(pod) == workload)
            .map(|pod| pod.object())
            .collect();
        // One pod that was evicted and replaced by one that is well is what eviction is for.
        (pods.len() >= MANY || !ill.is_empty()).then(|| finding(scene, &object, &workload, &pods, ill))
    });
    Ok(found.collect())
}

/// Whether the node ran out, and not the pod out of its bound.
fn is_short(pod: &Pod) -> bool {
    pod.status.message.contains("node was low on resource") || pod.status.message.contains("had condition")
}

fn evicted_at(pod: &Pod) -> Option<jiff::Timestamp> {
    condition(&pod.status.conditions, "DisruptionTarget")
        .and_then(|it| it.last_transition_time)
        .or(pod.status.start_time)
}

fn finding(scene: &Scene<'_>, object: &str, workload: &str, pods: &[&Pod], ill: Vec<String>) -> Finding {
    let newest = pods.iter().max_by_key(|pod| (evicted_at(pod), &pod.metadata.name));
    let said = clean(newest.map_or("", |pod| pod.status.message.trim().trim_end_matches('.')));
    let times = counted(i64::try_from(pods.len()).unwrap_or(i64::MAX), "pod");
    let finding = Finding::new(
        DIAGNOSIS.id,
        object,
        format!("{times} of {workload} evicted within a quarter of an hour: {said}"),
    )
    .explaining(ill)
    .because(
        pods.iter()
            .take(3)
            .map(|pod| scene.field(Source::Pods, pod.object(), "status.message", clean(&pod.status.message))),
    )
    .not("the kernel killed it", "the kubelet says that it evicted the pod");
    match object.strip_prefix("node/") {
        Some(node) => finding
            .mend(format!("kubectl describe node {node}"))
            .mend("Give what grows there a limit, request what the pods need, or add a node"),
        None => finding
            .mend(format!("kubectl edit {workload} -n {}", scene.namespace()))
            .mend("Raise the bound that the message names (`sizeLimit` of the volume, the container's `ephemeral-storage` limit), or write to a claim"),
    }
}
