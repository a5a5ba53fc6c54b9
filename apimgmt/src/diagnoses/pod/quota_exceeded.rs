//! The namespace's quota leaves no room for more pods.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{RefusedCreation, Scene, after, clean, list},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "quota-exceeded",
    topic: Topic::Pod,
    symptom: "A workload has fewer pods than it wants",
    cause: "The namespace's quota leaves no room for them",
    reads: &[
        Source::ReplicaSets,
        Source::Deployments,
        Source::StatefulSets,
        Source::Events,
        Source::ResourceQuotas,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (_, _) = (scene.snapshot.replica_sets()?, scene.snapshot.events());
    let quotas = scene.snapshot.resource_quotas().map(Vec::as_slice).unwrap_or_default();
    let mut by_quota: std::collections::BTreeMap<String, Vec<RefusedCreation>> = std::collections::BTreeMap::new();
    for refused in scene.refused_creations() {
        let quota = ["exceeded quota: ", "failed quota: "]
            .iter()
            .find_map(|mark| after(&refused.message, mark));
        if let Some(quota) = quota.map(|name| name.trim_end_matches(':').to_owned()) {
            by_quota.entry(quota).or_default().push(refused);
        }
    }
    let finding = |(quota, refused): (String, Vec<RefusedCreation>)| {
        let workloads: Vec<String> = refused.iter().map(|it| it.workload.clone()).collect();
        let lacking: i64 = refused.iter().map(|it| it.lacking).sum();
        let amounts = refused[0]
            .message
            .split_once("requested: ")
            .map_or(String::new(), |(_, rest)| format!(" (requested: {})", clean(rest)));
        let object = format!("resourcequota/{}", clean(&quota));
        let known = quotas.iter().find(|it| it.metadata.name == quota);
        let full = known.into_iter().flat_map(|it| &it.status.hard).map(|(name, hard)| {
            let used = known
                .and_then(|it| it.status.used.get(name))
                .map_or("?", |used| &used.0);
            scene.field(
                Source::ResourceQuotas,
                &object,
                &format!("status.used[{name}]"),
                format!("{used} of {}", hard.0),
            )
        });
        let pods = if lacking == 1 {
            "a pod".into()
        } else {
            format!("{lacking} pods")
        };
        Finding::new(
            DIAGNOSIS.id,
            &object,
            format!("{object} leaves no room for {pods} of {}{amounts}", list(&workloads)),
        )
        .explaining(workloads.clone())
        .because(full)
        .because(refused.into_iter().map(|it| it.evidence))
        .not(
            "the nodes are full",
            "the API server refuses the pods before any node is looked for",
        )
        .mend(format!("kubectl describe {object} -n {}", scene.namespace()))
        .mend("Raise the quota, lower what the pods request, or scale something else down")
    };
    Ok(by_quota.into_iter().map(finding).collect())
}
