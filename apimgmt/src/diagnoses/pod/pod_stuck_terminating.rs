//! A pod is to be deleted and does not go.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean, list, minutes},
    },
    snapshot::{Pod, Source, Unreadable, condition},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "pod-stuck-terminating",
    topic: Topic::Pod,
    symptom: "A pod stays in Terminating",
    cause: "A finalizer that nobody removes holds it, or its node does not answer",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Nodes],
    look,
};

/// What the kubelet may take beyond the grace that the time of deletion already holds.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_mins(1);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = (scene.snapshot.replica_sets(), scene.snapshot.nodes());
    Ok(scene.pods()?.iter().filter_map(|pod| finding(scene, pod)).collect())
}

fn finding(scene: &Scene<'_>, pod: &Pod) -> Option<Finding> {
    let overdue = scene.now().duration_since(pod.metadata.deletion_timestamp?);
    if overdue < PATIENCE {
        return None;
    }
    let (object, namespace) = (pod.object(), scene.namespace());
    let held: Vec<_> = pod.metadata.finalizers.iter().map(|name| clean(name)).collect();
    let nodes = scene.nodes();
    let node = nodes.iter().find(|node| node.metadata.name == pod.node_name);
    let is_lost =
        node.is_some_and(|node| condition(&node.status.conditions, "Ready").is_none_or(|ready| ready.status != "True"));
    let base = |cause: String| {
        Finding::new(DIAGNOSIS.id, &object, cause)
            .weighing(Weight::Warning)
            .shown(Directness::Compared)
            .because([scene.field(
                Source::Pods,
                &object,
                "metadata.deletionTimestamp",
                pod.metadata
                    .deletion_timestamp
                    .map_or(String::new(), |at| at.to_string()),
            )])
    };
    Some(if !held.is_empty() {
        base(format!(
            "{object} should have gone {} ago, and {} holds it, which nobody removes",
            minutes(overdue),
            list(&held)
        ))
        .because([scene.field(Source::Pods, &object, "metadata.finalizers", held.join(", "))])
        .not("its containers do not end", "what is left of it is its record")
        .mend(format!(
            "kubectl patch {object} -n {namespace} --type=merge -p '{{\"metadata\":{{\"finalizers\":null}}}}'"
        ))
    } else if is_lost {
        base(format!(
            "{object} should have gone {} ago, and node/{} does not answer",
            minutes(overdue),
            pod.node_name
        ))
        .following([format!("node/{}", pod.node_name)])
        .mend(format!(
            "kubectl delete {object} -n {namespace} --grace-period=0 --force"
        ))
    } else {
        base(format!(
            "{object} should have gone {} ago, and node/{} has not ended its containers",
            minutes(overdue),
            pod.node_name
        ))
        .mend(format!("kubectl describe {object} -n {namespace}"))
    })
}
