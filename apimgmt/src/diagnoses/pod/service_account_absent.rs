//! The service account that pods run as does not exist, so none is created.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{Scene, clean, list, quoted},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "service-account-absent",
    topic: Topic::Pod,
    symptom: "A workload has no pods",
    cause: "The service account that its pods run as does not exist",
    reads: &[
        Source::ReplicaSets,
        Source::Deployments,
        Source::StatefulSets,
        Source::Events,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (_, _) = (scene.snapshot.replica_sets()?, scene.snapshot.events());
    let mut accounts: std::collections::BTreeMap<String, Vec<_>> = std::collections::BTreeMap::new();
    for refused in scene.refused_creations() {
        if let Some(account) = quoted(&refused.message, "serviceaccount ")
            .filter(|_| refused.message.contains("error looking up service account"))
        {
            accounts.entry(clean(account)).or_default().push(refused);
        }
    }
    let finding = |(account, refused): (String, Vec<crate::diagnoses::scene::RefusedCreation>)| {
        let workloads: Vec<String> = refused.iter().map(|it| it.workload.clone()).collect();
        Finding::new(
            DIAGNOSIS.id,
            format!("serviceaccount/{account}"),
            format!(
                "the service account `{account}` that {} runs as does not exist, so no pod is created",
                list(&workloads)
            ),
        )
        .explaining(workloads.clone())
        .because(refused.into_iter().map(|it| it.evidence))
        .mend(format!(
            "kubectl create serviceaccount {account} -n {}",
            scene.namespace()
        ))
        .mend(format!("kubectl edit {} -n {}", workloads[0], scene.namespace()))
    };
    Ok(accounts.into_iter().map(finding).collect())
}
