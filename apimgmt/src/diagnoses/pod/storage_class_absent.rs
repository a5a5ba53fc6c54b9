//! A volume claim names a storage class that does not exist, or none where there is no default.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Scene, clean, list},
    },
    snapshot::{Pod, Source, Unreadable, storage::PersistentVolumeClaim},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "storage-class-absent",
    topic: Topic::Pod,
    symptom: "Pods stay Pending, waiting for their volume",
    cause: "The storage class of the claim does not exist, so nobody makes the volume",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::PersistentVolumeClaims,
        Source::StorageClasses,
        Source::Events,
    ],
    look,
};

const DEFAULT: &str = "storageclass.kubernetes.io/is-default-class";

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (pods, claims) = (scene.current()?, scene.snapshot.persistent_volume_claims()?);
    let (classes, _) = (scene.snapshot.storage_classes().ok(), scene.snapshot.events());
    let has_default = classes.is_some_and(|classes| {
        classes.iter().any(|it| {
            it.metadata
                .annotations
                .get(DEFAULT)
                .is_some_and(|value| value == "true")
        })
    });
    let mut pending: Vec<_> = claims
        .iter()
        .filter(|it| {
            it.status.phase == "Pending" && it.spec.volume_name.is_empty() && it.metadata.deletion_timestamp.is_none()
        })
        .collect();
    pending.sort_by_key(|claim| &claim.metadata.name);
    let findings = pending.into_iter().filter_map(|claim| {
        let event = scene
            .events("PersistentVolumeClaim", &claim.metadata)
            .filter(|event| event.reason == "ProvisioningFailed" || event.reason == "FailedBinding")
            .last();
        let class = claim.spec.storage_class_name.as_deref();
        let known = match (classes, class) {
            // An empty class asks for a volume that somebody made by hand.
            (_, Some("")) => return None,
            (Some(classes), Some(class)) => classes.iter().any(|it| it.metadata.name == class),
            (Some(_), None) => has_default,
            (None, _) => !event.is_some_and(|event| {
                event.message.contains("not found") || event.message.contains("no storage class is set")
            }),
        };
        let users: Vec<&Pod> = pods
            .iter()
            .copied()
            .filter(|pod| uses(pod, &claim.metadata.name))
            .collect();
        (!known).then(|| {
            let names: Vec<String> = classes
                .into_iter()
                .flatten()
                .map(|it| it.metadata.name.clone())
                .collect();
            finding(scene, claim, &users, &names).because(
                event.map(|event| scene.event(format!("persistentvolumeclaim/{}", claim.metadata.name), event)),
            )
        })
    });
    Ok(findings.collect())
}

fn finding<'a>(scene: &Scene<'a>, claim: &PersistentVolumeClaim, users: &[&'a Pod], classes: &[String]) -> Finding {
    let object = format!("persistentvolumeclaim/{}", claim.metadata.name);
    let mut sorted = classes.to_vec();
    sorted.sort();
    let there = if sorted.is_empty() {
        "the cluster has none".into()
    } else {
        format!("the cluster has {}", list(&sorted))
    };
    let cause = match claim.spec.storage_class_name.as_deref() {
        Some(class) => format!(
            "{object} asks for the storage class `{}`, which does not exist; {there}",
            clean(class)
        ),
        None => format!("{object} names no storage class, and the cluster has no default; {there}"),
    };
    let class = sorted.first().map_or("CLASS", String::as_str);
    Finding::new(DIAGNOSIS.id, &object, cause)
        .shown(Directness::Compared)
        .explaining(users.iter().map(|pod| pod.object()))
        .because([scene.field(Source::PersistentVolumeClaims, &object, "status.phase", "Pending")])
        .because([scene.field(Source::PersistentVolumeClaims, &object, "spec.storageClassName", claim.spec.storage_class_name.as_deref().unwrap_or("not set"))])
        .because([scene.field(Source::StorageClasses, "storageclass", "names", sorted.join(", "))])
        .because(users.first().and_then(|pod| scene.pod_condition(pod, "PodScheduled")))
        .mend(format!("kubectl get {object} -n {} -o yaml | sed 's/storageClassName: .*/storageClassName: {class}/' | kubectl replace --force -f -", scene.namespace()))
        .mend("Make the class, or delete the claim, which holds nothing yet, and let it be made again with one that exists")
}

fn uses(pod: &Pod, claim: &str) -> bool {
    pod.spec
        .volumes
        .iter()
        .filter_map(|volume| volume.persistent_volume_claim.as_ref())
        .any(|it| it.claim_name == claim)
}
