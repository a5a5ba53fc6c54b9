//! An admission webhook does not answer, and the API server refuses what it should have looked at.

use std::collections::BTreeMap;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{RefusedCreation, Scene, clean, list, quoted},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "webhook-fails",
    topic: Topic::Pod,
    symptom: "No pod is created any more",
    cause: "An admission webhook cannot be called, and its failure policy refuses whatever it did not see",
    reads: &[
        Source::ReplicaSets,
        Source::Deployments,
        Source::StatefulSets,
        Source::Events,
    ],
    look,
};

/// How the API server begins.
const MARK: &str = "failed calling webhook ";

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (_, _) = (scene.snapshot.replica_sets()?, scene.snapshot.events());
    let mut by_webhook: BTreeMap<String, Vec<RefusedCreation>> = BTreeMap::new();
    for refused in scene.refused_creations() {
        if let Some(name) = quoted(&refused.message, MARK).map(str::to_owned) {
            by_webhook.entry(name).or_default().push(refused);
        }
    }
    Ok(by_webhook
        .into_iter()
        .map(|(name, refused)| finding(&name, refused))
        .collect())
}

fn finding(name: &str, refused: Vec<RefusedCreation>) -> Finding {
    let message = refused[0].message.clone();
    let workloads: Vec<String> = refused.iter().map(|it| it.workload.clone()).collect();
    let (how, remedy) = if message.contains("x509:") {
        (
            "its certificate is not accepted",
            "Renew its certificate, or put the authority that signed it into the caBundle of its configuration",
        )
    } else if message.contains("no endpoints available") || message.contains("connection refused") {
        (
            "nobody answers behind its service",
            "Bring its pods up again, or set its failurePolicy to Ignore until they are",
        )
    } else if message.contains("deadline exceeded") || message.contains("timeout") {
        (
            "it does not answer in time",
            "Look whether a network policy or its load keeps it from answering",
        )
    } else {
        (
            "it cannot be called",
            "Mend it, or set its failurePolicy to Ignore until it works",
        )
    };
    // `Post "https://NAME.NAMESPACE.svc:443/path": …`
    let service = quoted(&message, "Post ")
        .and_then(|url| url.split("//").nth(1))
        .and_then(|rest| {
            let mut parts = rest.split(['.', ':', '/']);
            Some((parts.next()?.to_owned(), parts.next()?.to_owned()))
        });
    let tail = message.rsplit(": ").next().unwrap_or_default();
    let object = format!("webhook/{}", clean(name));
    let finding = Finding::new(
        DIAGNOSIS.id,
        &object,
        format!(
            "the admission webhook `{}` keeps {} from getting pods: {how} ({})",
            clean(name),
            list(&workloads),
            clean(tail)
        ),
    )
    .weighing(Weight::Critical)
    .shown(Directness::Said)
    .explaining(workloads)
    .because(refused.into_iter().map(|it| it.evidence))
    .not("the pods themselves are refused", "the webhook never judged them");
    let finding = match service {
        Some((service, namespace)) => finding.mend(format!(
            "kubectl get service,endpointslices,pods -n {} -l app={}",
            clean(&namespace),
            clean(&service)
        )),
        None => finding,
    };
    finding
        .mend("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations")
        .mend(remedy)
}
