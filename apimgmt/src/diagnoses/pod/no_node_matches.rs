//! No node is one that the pod may go to: taints, selectors, affinities, volumes.

use crate::{
    checklist::Evidence,
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{Scene, clean, list, scheduling::Unplaced},
    },
    snapshot::{
        Pod, Source, Unreadable,
        cluster::{Node, Taint},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "no-node-matches",
    topic: Topic::Pod,
    symptom: "Pods stay Pending",
    cause: "No node has the labels that the pod asks for, or those that have keep it away by a taint",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs, Source::Nodes],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let unplaced = scene.unplaced()?.into_iter();
    // Volumes without a class and pods that shun each other have diagnoses of their own.
    let mine = unplaced.filter(|it| {
        !it.lacks_room()
            && !it.is_bound_elsewhere()
            && !it.has("anti-affinity")
            && !it.has("ersistentVolumeClaim")
            && !it.has("persistentvolumeclaim")
    });
    let nodes = scene.nodes();
    Ok(mine.map(|pods| finding(scene, &pods, &nodes)).collect())
}

/// Why no node will do, and how to mend it.
struct Mismatch {
    why: String,
    remedy: Vec<String>,
    evidence: Vec<Evidence>,
}

fn finding<'a>(scene: &Scene<'a>, unplaced: &Unplaced<'a>, nodes: &[&'a Node]) -> Finding {
    let mismatch = if unplaced.has("affinity/selector") {
        selector(scene, unplaced, nodes)
    } else if unplaced.has("untolerated taint") {
        taint(scene, unplaced, nodes)
    } else if unplaced.has("were unschedulable") {
        cordoned(scene, nodes)
    } else {
        Mismatch {
            why: format!(
                "the scheduler says: {}",
                list(
                    &unplaced
                        .reasons
                        .iter()
                        .map(|(_, reason)| clean(reason))
                        .collect::<Vec<_>>()
                )
            ),
            remedy: vec![format!(
                "kubectl describe {} -n {}",
                unplaced.first().object(),
                scene.namespace()
            )],
            evidence: Vec::new(),
        }
    };
    let mut finding = Finding::new(
        DIAGNOSIS.id,
        &unplaced.workload,
        format!("no node will do for {}: {}", unplaced.workload, mismatch.why),
    )
    .explaining(unplaced.objects())
    .because(scene.pod_condition(unplaced.first(), "PodScheduled"))
    .because(mismatch.evidence)
    .not("the nodes are full", "the scheduler names no resource that is short");
    for remedy in mismatch.remedy {
        finding = finding.mend(remedy);
    }
    finding
}

/// The pod asks for labels that no node has.
fn selector<'a>(scene: &Scene<'a>, unplaced: &Unplaced<'a>, nodes: &[&'a Node]) -> Mismatch {
    let pod = unplaced.first();
    let wanted = wanted_labels(pod);
    let lacking: Vec<String> = pod
        .spec
        .node_selector
        .iter()
        .filter(|(key, value)| !nodes.iter().any(|node| node.metadata.labels.get(*key) == Some(*value)))
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let asked = if lacking.is_empty() || nodes.is_empty() {
        &wanted
    } else {
        &lacking
    };
    let have: Vec<String> = pod
        .spec
        .node_selector
        .keys()
        .filter_map(|key| {
            let node = nodes.iter().find(|node| node.metadata.labels.contains_key(key))?;
            Some(format!(
                "node/{} has {key}={}",
                node.metadata.name, node.metadata.labels[key]
            ))
        })
        .collect();
    let near = if have.is_empty() {
        String::new()
    } else {
        format!("; {}", list(&have))
    };
    let label = pod.spec.node_selector.iter().next();
    let first = nodes.first().map_or("NODE", |node| node.metadata.name.as_str());
    let remedy = label
        .map(|(key, value)| format!("kubectl label node {first} {key}={value}"))
        .into_iter()
        .chain([format!("kubectl edit {} -n {}", unplaced.workload, scene.namespace())]);
    Mismatch {
        why: format!("it asks for {}, which no node has{near}", list(asked)),
        remedy: remedy.collect(),
        evidence: vec![scene.field(
            Source::Pods,
            pod.object(),
            "spec.nodeSelector and spec.affinity.nodeAffinity",
            list(&wanted),
        )],
    }
}

/// What a pod asks of its node's labels.
fn wanted_labels(pod: &Pod) -> Vec<String> {
    let labels = pod
        .spec
        .node_selector
        .iter()
        .map(|(key, value)| format!("{key}={value}"));
    let terms = &pod
        .spec
        .affinity
        .node_affinity
        .required_during_scheduling_ignored_during_execution
        .node_selector_terms;
    let expressions = terms
        .iter()
        .flat_map(|term| &term.match_expressions)
        .map(|it| format!("{} {} {}", it.key, it.operator, it.values.join(",")));
    labels.chain(expressions).map(|text| clean(text.trim_end())).collect()
}

/// Every node that has the labels keeps the pod away.
fn taint<'a>(scene: &Scene<'a>, unplaced: &Unplaced<'a>, nodes: &[&'a Node]) -> Mismatch {
    let pod = unplaced.first();
    let keeps_away = |taint: &&Taint| taint.effect != "PreferNoSchedule" && !taint.is_tolerated(&pod.spec.tolerations);
    let taints: Vec<(&Node, &Taint)> = nodes
        .iter()
        .copied()
        .flat_map(|node| {
            node.spec
                .taints
                .iter()
                .filter(keeps_away)
                .map(move |taint| (node, taint))
        })
        .collect();
    let written = |taint: &Taint| {
        if taint.value.is_empty() {
            format!("{}:{}", taint.key, taint.effect)
        } else {
            format!("{}={}:{}", taint.key, taint.value, taint.effect)
        }
    };
    let told: Vec<String> = taints
        .iter()
        .take(3)
        .map(|(node, taint)| format!("node/{} has {}", node.metadata.name, written(taint)))
        .collect();
    let why = if told.is_empty() {
        "it tolerates none of the nodes' taints".into()
    } else {
        format!("it does not tolerate the taints: {}", list(&told))
    };
    let mut remedy = Vec::new();
    if let Some((node, taint)) = taints.first() {
        remedy.push(format!("kubectl taint node {} {}-", node.metadata.name, written(taint)));
        remedy.push(format!("kubectl patch {} -n {} -p '{{\"spec\":{{\"template\":{{\"spec\":{{\"tolerations\":[{{\"key\":\"{}\",\"operator\":\"Exists\"}}]}}}}}}}}'", unplaced.workload, scene.namespace(), taint.key));
    } else {
        remedy.push("kubectl get nodes -o custom-columns=NAME:.metadata.name,TAINTS:.spec.taints".into());
    }
    let evidence = taints.iter().take(3).map(|(node, taint)| {
        scene.field(
            Source::Nodes,
            format!("node/{}", node.metadata.name),
            "spec.taints",
            written(taint),
        )
    });
    Mismatch {
        why,
        remedy,
        evidence: evidence.collect(),
    }
}

fn cordoned(scene: &Scene<'_>, nodes: &[&Node]) -> Mismatch {
    let names: Vec<String> = nodes
        .iter()
        .filter(|node| node.spec.unschedulable)
        .map(|node| node.metadata.name.clone())
        .collect();
    let remedy = names
        .first()
        .map_or("kubectl get nodes".into(), |name| format!("kubectl uncordon {name}"));
    let evidence = names
        .iter()
        .take(3)
        .map(|name| scene.field(Source::Nodes, format!("node/{name}"), "spec.unschedulable", true));
    Mismatch {
        why: format!(
            "{} take no new pods (cordoned)",
            if names.is_empty() {
                "the nodes".into()
            } else {
                list(&names)
            }
        ),
        remedy: vec![remedy],
        evidence: evidence.collect(),
    }
}
