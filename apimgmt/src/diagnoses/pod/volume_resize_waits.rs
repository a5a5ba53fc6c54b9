//! A volume has grown, and its file system grows only when the pod starts again.

use crate::{
    diagnoses::{Diagnosis, Directness, Finding, Topic, Weight, scene::Scene},
    snapshot::{Source, Unreadable, condition, pods::Volume},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "volume-resize-waits",
    topic: Topic::Pod,
    symptom: "A claim asks for more than its volume shows",
    cause: "The driver grows the file system only while no pod uses the volume",
    reads: &[Source::PersistentVolumeClaims, Source::Pods, Source::ReplicaSets],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let _ = scene.snapshot.replica_sets();
    let pods = scene.pods()?;
    let mut claims: Vec<_> = scene.snapshot.persistent_volume_claims()?.iter().collect();
    claims.sort_by_key(|claim| &claim.metadata.name);
    let findings = claims.into_iter().filter_map(|claim| {
        let waits = condition(&claim.status.conditions, "FileSystemResizePending").filter(|it| it.status == "True")?;
        let object = format!("persistentvolumeclaim/{}", claim.metadata.name);
        let mounts = |volume: &Volume| {
            volume
                .persistent_volume_claim
                .as_ref()
                .is_some_and(|it| it.claim_name == claim.metadata.name)
        };
        let user = pods
            .iter()
            .find(|pod| !pod.has_ended() && pod.spec.volumes.iter().any(mounts))?;
        let workload = scene.workload(user);
        let restart = if workload.starts_with("pod/") {
            format!("kubectl delete {workload} -n {}", scene.namespace())
        } else {
            format!("kubectl rollout restart {workload} -n {}", scene.namespace())
        };
        Some(
            Finding::new(
                DIAGNOSIS.id,
                &object,
                format!(
                    "{object} has grown, and its file system waits for {} to start again",
                    user.object()
                ),
            )
            .weighing(Weight::Warning)
            .shown(Directness::Said)
            .because([scene.field(
                Source::PersistentVolumeClaims,
                &object,
                "status.conditions[FileSystemResizePending]",
                format!("{} {}", waits.status, waits.message),
            )])
            .mend(restart),
        )
    });
    Ok(findings.collect())
}
