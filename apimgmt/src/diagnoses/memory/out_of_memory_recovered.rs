//! The kernel killed a container for memory a short while ago; it has run well since, and may be killed again.

use jiff::SignedDuration;

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic, Weight,
        scene::{
            Group, Scene,
            memory::{self, Aftermath, doubled, memory_limit},
            minutes, since,
        },
    },
    snapshot::Unreadable,
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "out-of-memory-recovered",
    topic: Topic::Memory,
    symptom: "A container was restarted and runs again",
    cause: "The container needed more memory than its limit for a while, so the kernel killed it",
    reads: memory::READS,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let groups = scene.outgrown(Aftermath::Recovered)?;
    Ok(groups.iter().map(|group| finding(scene, group)).collect())
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>) -> Finding {
    let ended = group
        .sightings
        .iter()
        .filter_map(|sighting| sighting.ended()?.1.finished_at)
        .max();
    let ago = minutes(since(ended, scene.now()).max(SignedDuration::ZERO));
    let limit = memory_limit(group);
    let told = limit.map_or("it has no limit of its own".into(), |limit| {
        format!("its limit is {}", limit.0)
    });
    let remedy = match limit {
        Some(limit) => format!(
            "kubectl set resources {} -c {} --limits=memory={} -n {}",
            group.workload,
            group.container(),
            doubled(limit),
            scene.namespace()
        ),
        None => format!(
            "kubectl top pod {} --containers -n {}",
            group.first().pod.metadata.name,
            scene.namespace()
        ),
    };
    Finding::new(
        DIAGNOSIS.id,
        &group.workload,
        format!(
            "container {} of {} was killed for memory {ago} ago and runs again; {told}",
            group.container(),
            group.workload
        ),
    )
    .weighing(Weight::Warning)
    .because(group.states(scene))
    .because(scene.limit_evidence(group))
    .mend(remedy)
}
