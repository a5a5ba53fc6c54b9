//! The pods of a workload must not share a node, and there are fewer nodes than pods.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{Scene, scheduling::Unplaced},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "anti-affinity-unsatisfiable",
    topic: Topic::Pod,
    symptom: "The last pods of a workload stay Pending",
    cause: "Pods that must not share a node are more than there are nodes",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs, Source::Nodes],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let nodes = scene.snapshot.nodes().map(Vec::len).ok();
    let mine = scene
        .unplaced()?
        .into_iter()
        .filter(|it| it.has("anti-affinity") && !it.lacks_room());
    Ok(mine.map(|pods| finding(scene, &pods, nodes)).collect())
}

fn finding<'a>(scene: &Scene<'a>, unplaced: &Unplaced<'a>, nodes: Option<usize>) -> Finding {
    let pod = unplaced.first();
    let terms = &pod
        .spec
        .affinity
        .pod_anti_affinity
        .required_during_scheduling_ignored_during_execution;
    let place = terms
        .first()
        .map_or("kubernetes.io/hostname", |term| term.topology_key.as_str());
    let count = nodes.map_or("the nodes".into(), |nodes| {
        format!("the {nodes} node{}", if nodes == 1 { "" } else { "s" })
    });
    let pods = scene.pods().unwrap_or_default();
    let placed = pods
        .iter()
        .filter(|it| !it.node_name.is_empty() && scene.workload(it) == unplaced.workload)
        .count();
    let patch = r#"[{"op":"remove","path":"/spec/template/spec/affinity/podAntiAffinity/requiredDuringSchedulingIgnoredDuringExecution"}]"#;
    let mut finding = Finding::new(
        DIAGNOSIS.id,
        &unplaced.workload,
        format!(
            "{} has {} pods more than its anti-affinity allows: one per {place}, and {count} hold {placed}",
            unplaced.workload,
            unplaced.pods.len()
        ),
    )
    .explaining(unplaced.objects())
    .because(scene.pod_condition(pod, "PodScheduled"))
    .because([scene.field(
        Source::Pods,
        pod.object(),
        "spec.affinity.podAntiAffinity.required…topologyKey",
        place,
    )]);
    if let Some(nodes) = nodes {
        finding = finding.because([scene.field(Source::Nodes, "node", "count", nodes)]);
    }
    finding
        .not("the nodes are full", "the scheduler names no resource that is short")
        .mend(format!(
            "kubectl patch {} -n {} --type=json -p '{patch}'",
            unplaced.workload,
            scene.namespace()
        ))
        .mend("Prefer the spreading instead of requiring it (`preferredDuringScheduling…`), or add a node")
}
