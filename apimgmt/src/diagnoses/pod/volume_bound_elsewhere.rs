//! The volume of a pod is on nodes or in a zone where the pod may not go.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean, list, scheduling::Unplaced},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "volume-bound-elsewhere",
    topic: Topic::Pod,
    symptom: "A pod with a volume stays Pending",
    cause: "The volume can only be had on nodes that the pod does not get: they are gone, full or excluded",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = scene.snapshot.replica_sets();
    let unplaced = scene.unplaced()?.into_iter().filter(Unplaced::is_bound_elsewhere);
    let findings = unplaced.map(|it| {
        let pod = it.first();
        let claims = pod
            .spec
            .volumes
            .iter()
            .filter_map(|volume| volume.persistent_volume_claim.as_ref());
        let claims: Vec<_> = claims
            .map(|claim| format!("persistentvolumeclaim/{}", claim.claim_name))
            .collect();
        let others: Vec<_> = it
            .reasons
            .iter()
            .map(|(count, reason)| format!("{count} {}", clean(reason)))
            .collect();
        Finding::new(
            DIAGNOSIS.id,
            &it.workload,
            format!(
                "no node that {} may use has its volume ({}): {}",
                it.workload,
                list(&claims),
                list(&others)
            ),
        )
        .weighing(Weight::Critical)
        .shown(Directness::Said)
        .explaining(it.objects())
        .because(scene.pod_condition(pod, "PodScheduled"))
        .not("the volume does not exist", "it is bound, to other nodes")
        .mend(format!(
            "kubectl describe {} -n {}",
            claims.first().cloned().unwrap_or_else(|| pod.object()),
            scene.namespace()
        ))
        .mend("Bring a node back where the volume is, or restore the data into a new claim")
    });
    Ok(findings.collect())
}
