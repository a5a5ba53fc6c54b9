//! A runtime may grow its heap to or beyond the memory limit of its container.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{
            Group, Scene, clean,
            heaps::{self, Heap},
            memory::Aftermath,
            per_workload,
        },
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "heap-exceeds-limit",
    topic: Topic::Memory,
    symptom: "Pods are killed for memory under load, though their runtime has a bound of its own",
    cause: "The runtime's heap may grow to the container's memory limit, which its other memory also needs",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let seen = scene.containers()?.filter(|it| heaps::beyond_limit(it).is_some());
    let groups = per_workload(scene, seen.map(|sighting| (sighting.status.name.to_string(), sighting)));
    let found = groups.iter().filter_map(|group| {
        let heap = heaps::beyond_limit(&group.first())?;
        Some(finding(scene, group, &heap))
    });
    Ok(found.collect())
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>, heap: &Heap<'a>) -> Finding {
    let is_killed = group
        .sightings
        .iter()
        .any(|sighting| scene.aftermath(sighting) == Some(Aftermath::Loop));
    let (workload, container) = (&group.workload, group.container());
    let written = clean(heap.written);
    let then = if is_killed {
        "the kernel kills it there"
    } else {
        "the kernel will kill it there"
    };
    let field = format!("spec.containers[{container}].{}", heap.place());
    let finding = Finding::new(
        DIAGNOSIS.id,
        workload,
        format!(
            "{written} lets the heap of container {container} of {workload} grow to its memory limit of {}: {then}",
            heap.limit.0
        ),
    )
    .weighing(if is_killed { Weight::Critical } else { Weight::Warning })
    .shown(Directness::Compared)
    .explaining(if is_killed { group.pods() } else { Vec::new() })
    .because([scene.field(Source::Pods, group.first().pod.object(), &field, &written)])
    .because(scene.limit_evidence(group));
    let finding = if is_killed {
        finding.because(group.states(scene))
    } else {
        finding
    };
    match heap.fitting() {
        Some((variable, value)) => finding.mend(format!(
            "kubectl set env {workload} -c {container} {variable}='{value}' -n {}",
            scene.namespace()
        )),
        None => finding.mend(format!("kubectl edit {workload} -n {}", scene.namespace())),
    }
    .mend("Leave the runtime a quarter of the limit for what is not heap: threads, code, buffers")
}
