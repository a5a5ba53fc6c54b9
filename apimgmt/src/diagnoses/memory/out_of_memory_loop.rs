//! The kernel kills a container again and again because it needs more memory than its limit.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{
            Group, Scene,
            memory::{self, Aftermath, doubled, memory_limit},
        },
    },
    snapshot::Unreadable,
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "out-of-memory-loop",
    topic: Topic::Memory,
    symptom: "Pods stay in CrashLoopBackOff with reason OOMKilled",
    cause: "The container needs more memory than its limit, so the kernel kills it",
    reads: memory::READS,
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let groups = scene.outgrown(Aftermath::Loop)?;
    Ok(groups.iter().map(|group| finding(scene, group)).collect())
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>) -> Finding {
    let limit = memory_limit(group);
    let restarts = group
        .sightings
        .iter()
        .map(|sighting| sighting.status.restart_count)
        .max()
        .unwrap_or(0);
    let times = if restarts == 1 {
        "once".into()
    } else {
        format!("{restarts} times")
    };
    let (cause, remedy) = match limit {
        Some(limit) => (
            format!(
                "container {} of {} needs more memory than its limit of {}: the kernel killed it, and it was restarted {times}",
                group.container(),
                group.workload,
                limit.0
            ),
            format!(
                "kubectl set resources {} -c {} --limits=memory={} -n {}",
                group.workload,
                group.container(),
                doubled(limit),
                scene.namespace()
            ),
        ),
        None => (
            format!(
                "container {} of {} was killed for memory without a limit of its own: the node or the pod ran out; it was restarted {times}",
                group.container(),
                group.workload
            ),
            format!("kubectl describe node {}", group.first().pod.node_name),
        ),
    };
    Finding::new(DIAGNOSIS.id, &group.workload, cause)
        .explaining(group.pods())
        .because(group.states(scene))
        .because(scene.limit_evidence(group))
        .not("a probe killed it", "the state names OOMKilled as the reason")
        .mend(remedy)
        .mend("Look for a leak if its memory grows without an end; a runtime's heap (`-Xmx`, `GOMEMLIMIT`) must stay below the limit")
}
