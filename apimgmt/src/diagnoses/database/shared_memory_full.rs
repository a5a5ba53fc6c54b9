//! The shared memory of the database's container has no room.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Said, Scene, clean, servers::container_of},
    },
    signatures::{Answer, Family},
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "shared-memory-full",
    topic: Topic::Database,
    symptom: "Queries fail with `could not resize shared memory segment`",
    cause: "Parallel queries need more than `/dev/shm` of the container holds: 64 MiB where nothing else is mounted",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs, Source::Logs],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    scene.current()?;
    let said = scene.of_servers(Family::Postgresql, &[Answer::SharedMemoryFull]);
    Ok(said.iter().map(|said| finding(scene, said)).collect())
}

fn finding<'a>(scene: &Scene<'a>, said: &Said<'a>) -> Finding {
    let (pod, workload, namespace) = (said.pod, scene.workload(said.pod), scene.namespace());
    let container = container_of(pod, Family::Postgresql);
    let mount = container.and_then(|it| it.volume_mounts.iter().find(|mount| mount.mount_path == "/dev/shm"));
    let volume = mount.and_then(|mount| pod.spec.volumes.iter().find(|volume| volume.name == mount.name));
    let limit = volume.and_then(|volume| volume.empty_dir.as_ref()?.size_limit.as_ref());
    let size = match (volume, limit) {
        (None, _) => "64 MiB, since nothing is mounted there".into(),
        (Some(_), Some(limit)) => clean(&limit.0),
        (Some(volume), None) => format!("what volume {} holds", volume.name),
    };
    let complaints = scene.complaints(Family::Postgresql, &[Answer::SharedMemoryFull]);
    let weight = if complaints.is_empty() {
        Weight::Warning
    } else {
        Weight::Critical
    };
    let name = volume.map_or("shared-memory", |volume| volume.name.as_str());
    let wanted = limit.map_or_else(|| "256Mi".into(), crate::diagnoses::scene::memory::doubled);
    let finding = Finding::new(
        DIAGNOSIS.id,
        &workload,
        format!("queries of {workload} fail for want of shared memory: /dev/shm of its container has {size}"),
    )
    .weighing(weight)
    .shown(Directness::Said)
    .explaining(complaints.iter().map(|it| it.pod.object()))
    .because([scene.log_line(pod, said.container, said.previous, said.line)])
    .because([scene.field(Source::Pods, pod.object(), "mount of /dev/shm", &size)])
    .not("the data's volume is full", "the server names a shared memory segment");
    match container {
        Some(container) => finding.mend(format!(
            "kubectl patch {workload} -n {namespace} --type=strategic -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"volumes\":[{{\"name\":\"{name}\",\"emptyDir\":{{\"medium\":\"Memory\",\"sizeLimit\":\"{wanted}\"}}}}],\"containers\":[{{\"name\":\"{}\",\"volumeMounts\":[{{\"name\":\"{name}\",\"mountPath\":\"/dev/shm\"}}]}}]}}}}}}}}'",
            container.name
        )),
        None => finding,
    }
    .mend("What is in it counts against the container's memory limit: raise that too")
}
