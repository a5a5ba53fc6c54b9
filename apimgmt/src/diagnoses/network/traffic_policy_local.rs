//! A service answers only on nodes that hold one of its pods, and those who ask it are on others.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Backing, Scene, list},
    },
    snapshot::{Pod, Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "traffic-policy-local",
    topic: Topic::Network,
    symptom: "Some pods reach a service and others of the same kind do not",
    cause: "The service's internalTrafficPolicy is `Local`, and there are nodes without one of its pods",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
        Source::Logs,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    scene.ask_dependencies();
    let _ = scene.current()?;
    let local = |backing: &&Backing<'_>| backing.service.spec.internal_traffic_policy == "Local" && !backing.is_down();
    let findings = scene.backings()?.values().filter(local);
    Ok(findings.filter_map(|backing| finding(scene, backing)).collect())
}

fn finding(scene: &Scene<'_>, backing: &Backing<'_>) -> Option<Finding> {
    let ready = backing.pods.iter().filter(|pod| pod.is_ready());
    let served: BTreeSet<&str> = ready.map(|pod| pod.node_name.as_str()).collect();
    let left_out: BTreeMap<&str, &Pod> = scene
        .dependents(backing.name())
        .iter()
        .filter(|pod| !pod.node_name.is_empty() && !served.contains(pod.node_name.as_str()))
        .map(|pod| (pod.metadata.name.as_str(), *pod))
        .collect();
    let first = left_out.values().next()?;
    let nodes: BTreeSet<String> = left_out.values().map(|pod| format!("node/{}", pod.node_name)).collect();
    let works = left_out.values().all(|pod| pod.is_ready());
    let object = backing.object();
    let workload = scene.workload(first);
    Some(
        Finding::new(
            DIAGNOSIS.id,
            &object,
            format!(
                "{object} answers only on nodes with one of its pods, and {workload} needs it on {}, where there is none",
                list(&nodes.into_iter().collect::<Vec<_>>())
            ),
        )
        .weighing(if works { Weight::Warning } else { Weight::Critical })
        .shown(Directness::Compared)
        .explaining(left_out.values().filter(|pod| !pod.is_ready()).map(|pod| pod.object()))
        .because([
            scene.field(Source::Services, &object, "spec.internalTrafficPolicy", "Local"),
            scene.field(Source::Pods, first.object(), "spec.nodeName", &first.node_name),
        ])
        .because(scene.endpoints_evidence(backing))
        .mend(format!(
            "kubectl patch {object} -n {} --type=merge -p '{{\"spec\":{{\"internalTrafficPolicy\":\"Cluster\"}}}}'",
            scene.namespace()
        )),
    )
}
