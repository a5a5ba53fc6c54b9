//! The pull secret that a pod names does not exist, and the registry wants a login.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{Group, PullFailure, Scene, clean, per_key, pulls},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "pull-secret-absent",
    topic: Topic::Pod,
    symptom: "Pods stay in ImagePullBackOff",
    cause: "The Secret with the login for the registry does not exist",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Events,
        Source::Secrets,
    ],
    look,
};

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    let pulls = scene.pulls(PullFailure::Denied)?;
    let seen = pulls.iter().filter_map(|pull| {
        let secrets = scene.pull_secrets(pull.sighting.pod, pull.image);
        let absent = secrets.absent.first().filter(|_| secrets.fitting.is_empty())?;
        Some(((*absent).to_owned(), pull.sighting))
    });
    let finding = |group: Group<'a>| {
        let secret = clean(&group.key);
        let first = pulls
            .iter()
            .find(|pull| pull.sighting.pod.metadata.name == group.first().pod.metadata.name);
        let registry = first.map_or("docker.io", |pull| pulls::registry(pull.image));
        let object = format!("secret/{secret}");
        let mut evidence: Vec<_> = first.into_iter().flat_map(|pull| scene.pull_evidence(pull)).collect();
        let pod = group.first().pod;
        let event = scene
            .pod_events(pod)
            .filter(|event| event.reason == "FailedToRetrieveImagePullSecret")
            .last();
        evidence.extend(event.map(|event| scene.event(pod.object(), event)));
        evidence.push(scene.field(Source::Pods, pod.object(), "spec.imagePullSecrets", &secret));
        if scene.snapshot.secrets().is_ok() {
            evidence.push(scene.field(Source::Secrets, &object, "metadata.name", "not found"));
        }
        Finding::new(
            DIAGNOSIS.id,
            object,
            format!("the pull secret `{secret}` that {} names does not exist, and {registry} wants a login", group.workload),
        )
        .explaining(group.pods())
        .because(evidence)
        .not("the image does not exist", "the registry refused before it looked for the image")
        .mend(format!(
            "kubectl create secret docker-registry {secret} --docker-server={registry} --docker-username=USER --docker-password=PASSWORD -n {}",
            scene.namespace()
        ))
    };
    Ok(per_key(scene, seen).into_iter().map(finding).collect())
}
