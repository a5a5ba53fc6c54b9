//! A network policy permits no connection to something that a pod needs.

use std::collections::BTreeMap;

use serde_json::json;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Barrier, Manner, Refusal, Scene, list},
    },
    snapshot::{Pod, Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "network-policy-blocks",
    topic: Topic::Network,
    symptom: "Connections of a pod time out although the service has ready endpoints",
    cause: "A NetworkPolicy isolates the pod or what it needs, and none permits the connection",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Logs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
        Source::NetworkPolicies,
        Source::Namespaces,
    ],
    look,
};

/// What policies keep from one workload.
struct Blocked<'a> {
    barriers: Vec<Barrier>,
    seen: Vec<(&'a Pod, Refusal<'a>)>,
}

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    scene.ask_dependencies();
    let (_, _) = (scene.snapshot.network_policies()?, scene.snapshot.namespaces());
    let mut blocked: BTreeMap<(String, String), Blocked<'a>> = BTreeMap::new();
    for pod in scene.current()?.iter().copied().filter(|pod| !pod.is_ready()) {
        for refusal in scene.refusals(pod) {
            let Some(barrier) = of(scene, pod, &refusal)? else {
                continue;
            };
            let first = barrier.policies.first().cloned().unwrap_or_default();
            let known = blocked.entry((first, scene.workload(pod))).or_insert_with(|| Blocked {
                barriers: Vec::new(),
                seen: Vec::new(),
            });
            if !known.barriers.contains(&barrier) {
                known.barriers.push(barrier);
            }
            known.seen.push((pod, refusal));
        }
    }
    let findings = blocked
        .into_iter()
        .map(|((policy, workload), blocked)| finding(scene, &policy, &workload, &blocked));
    Ok(findings.collect())
}

/// What stands in the way of a connection that a log complains of.
fn of<'a>(scene: &Scene<'a>, pod: &'a Pod, refusal: &Refusal<'a>) -> Result<Option<Barrier>, Unreadable> {
    if refusal.manner == Manner::Unknown {
        return scene.barrier_to_names(pod);
    }
    let backing = refusal.service.map(|name| scene.backing(name)).transpose()?.flatten();
    let port = refusal.target.as_ref().map_or(0, |target| target.port);
    match backing.filter(|backing| !backing.is_down()) {
        Some(backing) => scene.barrier(pod, backing, port),
        None => Ok(None),
    }
}

fn finding(scene: &Scene<'_>, policy: &str, workload: &str, blocked: &Blocked<'_>) -> Finding {
    let object = format!("networkpolicy/{policy}");
    let whom: Vec<String> = blocked.barriers.iter().map(|barrier| barrier.whom.clone()).collect();
    let policies = blocked.barriers.iter().flat_map(|barrier| &barrier.policies);
    let mut others: Vec<String> = policies
        .filter(|name| *name != policy)
        .map(|name| format!("networkpolicy/{name}"))
        .collect();
    others.sort();
    others.dedup();
    let beside = if others.is_empty() {
        String::new()
    } else {
        format!(", nor does {} permit it", list(&others))
    };
    let lines = blocked
        .seen
        .iter()
        .take(3)
        .map(|(pod, refusal)| scene.log_line(pod, refusal.container, refusal.previous, refusal.line));
    Finding::new(
        DIAGNOSIS.id,
        &object,
        format!("{object} keeps {workload} from {}{beside}", list(&whom)),
    )
    .shown(Directness::Compared)
    .explaining(blocked.seen.iter().map(|(pod, _)| pod.object()))
    .because([scene.field(
        Source::NetworkPolicies,
        &object,
        "spec",
        format!("permits no connection of {workload} to {}", list(&whom)),
    )])
    .because(lines)
    .not("the service has nobody behind it", "its endpoints are ready")
    .mend(permitting(scene, workload, blocked))
    .mend(format!("kubectl describe {object} -n {}", scene.namespace()))
}

/// The command that permits exactly what is missing: policies only ever add.
fn permitting(scene: &Scene<'_>, workload: &str, blocked: &Blocked<'_>) -> String {
    let name = workload.rsplit('/').next().unwrap_or(workload);
    let specs = blocked.barriers.iter().flat_map(|barrier| &barrier.permissions);
    let policies: Vec<_> = specs
        .enumerate()
        .map(|(index, spec)| {
            json!({
                "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
                "metadata": {"name": format!("{name}-needs-{}", index + 1)}, "spec": spec,
            })
        })
        .collect();
    let manifest = json!({"apiVersion": "v1", "kind": "List", "items": policies});
    format!("kubectl apply -n {} -f - <<< '{manifest}'", scene.namespace())
}
