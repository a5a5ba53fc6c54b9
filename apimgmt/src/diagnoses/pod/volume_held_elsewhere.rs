//! A volume that only one node may have is still held by another one.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean},
    },
    snapshot::{Pod, Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "volume-held-elsewhere",
    topic: Topic::Pod,
    symptom: "A pod stays in ContainerCreating after it moved to another node",
    cause: "Its volume is attached to the node of the pod before it, and may be attached to one node only",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs, Source::Events],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = scene.snapshot.events()?;
    let waiting = scene
        .current()?
        .iter()
        .copied()
        .filter(|pod| pod.status.phase == "Pending" && !pod.node_name.is_empty());
    let findings = waiting.filter_map(|pod| {
        let event = scene
            .pod_events(pod)
            .filter(|event| event.reason == "FailedAttachVolume")
            .last()?;
        event.message.contains("Multi-Attach error").then_some((pod, event))
    });
    Ok(findings
        .map(|(pod, event)| {
            let workload = scene.workload(pod);
            let claims = claims(pod);
            Finding::new(
                DIAGNOSIS.id,
                &workload,
                format!("{} cannot have its volume ({claims}) on node/{}: {}", pod.object(), pod.node_name, clean(&event.message)),
            )
            .weighing(Weight::Critical)
            .shown(Directness::Said)
            .explaining([pod.object()])
            .because([scene.event(pod.object(), event)])
            .not("the volume is not there", "it is, on another node")
            .mend(format!("kubectl get pods -n {} -o wide", scene.namespace()))
            .mend(format!(
                "kubectl patch {workload} -n {} --type=merge -p '{{\"spec\":{{\"strategy\":{{\"type\":\"Recreate\",\"rollingUpdate\":null}}}}}}'",
                scene.namespace()
            ))
        })
        .collect())
}

fn claims(pod: &Pod) -> String {
    let claims = pod
        .spec
        .volumes
        .iter()
        .filter_map(|volume| volume.persistent_volume_claim.as_ref());
    let names: Vec<_> = claims
        .map(|claim| format!("persistentvolumeclaim/{}", claim.claim_name))
        .collect();
    names.join(", ")
}
