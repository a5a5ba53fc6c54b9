//! The namespace's Pod Security level refuses new pods.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{RefusedCreation, Scene, clean, quoted},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "pod-security-refused",
    topic: Topic::Pod,
    symptom: "A workload gets no new pods, while old ones run on",
    cause: "The pods break the Pod Security level of the namespace",
    reads: &[
        Source::ReplicaSets,
        Source::Deployments,
        Source::StatefulSets,
        Source::Events,
        Source::Namespace,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (_, _) = (scene.snapshot.replica_sets()?, scene.snapshot.events());
    let level = scene
        .snapshot
        .own_namespace()
        .ok()
        .and_then(Option::as_ref)
        .and_then(|it| it.metadata.label("pod-security.kubernetes.io/enforce"));
    let finding = |refused: RefusedCreation| {
        let violated = refused
            .message
            .split_once("violates PodSecurity")
            .map_or("", |(_, rest)| rest);
        let why = violated.split_once(": ").map_or("", |(_, why)| why);
        let named = quoted(violated, "").map(clean);
        let namespace = format!("namespace/{}", scene.namespace());
        Finding::new(
            DIAGNOSIS.id,
            &refused.workload,
            format!("the pods of {} break the Pod Security level `{}` of {namespace}: {}", refused.workload, named.unwrap_or_default(), clean(why)),
        )
        .explaining([refused.workload.clone()])
        .because([refused.evidence])
        .because(level.map(|level| scene.field(Source::Namespace, &namespace, "metadata.labels[pod-security.kubernetes.io/enforce]", level)))
        .mend(format!("kubectl edit {} -n {}", refused.workload, scene.namespace()))
        .mend("Set in its pod template what the message names: `runAsNonRoot`, `allowPrivilegeEscalation: false`, `capabilities.drop: [ALL]`, `seccompProfile`")
    };
    let mine = scene
        .refused_creations()
        .into_iter()
        .filter(|refused| refused.message.contains("violates PodSecurity"));
    Ok(mine.map(finding).collect())
}
