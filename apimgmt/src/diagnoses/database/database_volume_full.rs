//! The database's volume has no room.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Backing, Said, Scene,
            commands::literal,
            memory::doubled,
            servers::{container_of, state_of},
        },
    },
    signatures::{Answer, Family},
    snapshot::{Pod, Source, Unreadable, storage::PersistentVolumeClaim},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "database-volume-full",
    topic: Topic::Database,
    symptom: "The database stops, or refuses writes, with `No space left on device` (53100)",
    cause: "The volume of the database has no room",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Logs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
        Source::PersistentVolumeClaims,
        Source::StorageClasses,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    scene.current()?;
    scene.ask_dependencies();
    let _ = (
        scene.snapshot.persistent_volume_claims(),
        scene.snapshot.storage_classes(),
    );
    let full = scene.of_servers(Family::Postgresql, &[Answer::VolumeFull]);
    Ok(full.iter().map(|said| finding(scene, said)).collect())
}

fn finding<'a>(scene: &Scene<'a>, said: &Said<'a>) -> Finding {
    let (pod, namespace) = (said.pod, scene.namespace());
    let (workload, claim) = (scene.workload(pod), claim_of(scene, pod));
    let size = claim.and_then(|it| {
        it.status
            .capacity
            .get("storage")
            .or(it.spec.resources.requests.get("storage"))
    });
    let object = claim.map_or_else(
        || workload.clone(),
        |it| format!("persistentvolumeclaim/{}", it.metadata.name),
    );
    let of_size = size.map_or(String::new(), |size| format!(" of {}", size.0));
    let complaints = scene.complaints(Family::Postgresql, &[Answer::VolumeFull, Answer::Starting]);
    let services = scene.services_of(pod).map(Backing::name);
    let how = if pod.is_ready() { "refuses writes" } else { "stops" };
    let mut finding = Finding::new(
        DIAGNOSIS.id,
        &object,
        format!("{object}{of_size} is full, so {workload} {how}: `No space left on device`"),
    )
    .shown(Directness::Said)
    .explaining([pod.object()])
    .explaining(services.map(|service| state_of("answer", service)))
    .explaining(complaints.iter().map(|it| it.pod.object()))
    // What keeps the log on the volume is what filled it.
    .following([state_of("log", &workload)])
    .because([scene.log_line(pod, said.container, said.previous, said.line)])
    .because(size.map(|size| {
        scene.field(
            Source::PersistentVolumeClaims,
            &object,
            "status.capacity.storage",
            &size.0,
        )
    }))
    .because(
        complaints
            .iter()
            .take(2)
            .map(|it| scene.log_line(it.pod, it.container, it.previous, it.line)),
    );
    if pod.is_ready() && complaints.is_empty() {
        finding = finding.weighing(Weight::Warning);
    }
    match (claim, size) {
        (Some(claim), Some(size)) if grows(scene, claim) => {
            finding = finding.mend(format!(
                "kubectl patch {object} -n {namespace} --type=merge -p '{{\"spec\":{{\"resources\":{{\"requests\":{{\"storage\":\"{}\"}}}}}}}}'",
                doubled(size)
            ));
        }
        (Some(claim), _) => {
            let class = claim.spec.storage_class_name.as_deref().unwrap_or("its default");
            finding = finding.mend(format!(
                "Free room: its storage class {} lets no volume grow, so the data must go to a larger one",
                crate::diagnoses::scene::clean(class)
            ));
        }
        (None, _) => finding = finding.mend("Give it more room, or remove what filled it"),
    }
    finding.mend(format!(
        "kubectl exec -n {namespace} {} -c {} -- sh -c 'du -sh \"${{PGDATA:-/var/lib/postgresql/data}}\"/* | sort -h | tail -5'",
        pod.object(),
        said.container
    ))
}

/// The claim that holds the data: of a mount that `PGDATA` is below, else the first one.
fn claim_of<'a>(scene: &Scene<'a>, pod: &'a Pod) -> Option<&'a PersistentVolumeClaim> {
    let container = container_of(pod, Family::Postgresql)?;
    let data = literal(container, "PGDATA").unwrap_or("/var/lib/postgresql/data");
    let mount = container
        .volume_mounts
        .iter()
        .filter(|mount| data.starts_with(&mount.mount_path))
        .max_by_key(|mount| mount.mount_path.len());
    let claims = pod
        .spec
        .volumes
        .iter()
        .filter_map(|volume| Some((volume, volume.persistent_volume_claim.as_ref()?)));
    let (_, named) = claims
        .clone()
        .find(|(volume, _)| mount.is_some_and(|mount| mount.name == volume.name))
        .or_else(|| claims.clone().next())?;
    let all = scene.snapshot.persistent_volume_claims().ok()?;
    all.iter().find(|claim| claim.metadata.name == named.claim_name)
}

fn grows(scene: &Scene<'_>, claim: &PersistentVolumeClaim) -> bool {
    let classes = scene.snapshot.storage_classes().map(Vec::as_slice).unwrap_or_default();
    let class = classes.iter().find(|class| match &claim.spec.storage_class_name {
        Some(name) => class.metadata.name == *name,
        None => class.is_default(),
    });
    class.is_some_and(|class| class.allow_volume_expansion)
}
