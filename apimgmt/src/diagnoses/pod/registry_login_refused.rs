//! The registry refuses the login of the pull secret, or there is none for it.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{Group, PullFailure, Scene, clean, list, per_key, pulls},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "registry-login-refused",
    topic: Topic::Pod,
    symptom: "Pods stay in ImagePullBackOff",
    cause: "The registry refuses the login that the pods come with, or they come with none",
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
        let is_other = !secrets.absent.is_empty() && secrets.fitting.is_empty();
        (!is_other).then(|| (pulls::registry(pull.image).to_owned(), pull.sighting))
    });
    let finding = |group: Group<'a>| {
        let registry = clean(&group.key);
        let pod = group.first().pod;
        let mine = pulls
            .iter()
            .find(|pull| pull.sighting.pod.metadata.name == pod.metadata.name);
        let image = mine.map_or("", |pull| pull.image);
        let secrets = scene.pull_secrets(pod, image);
        let names = |names: &[&str]| list(&names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>());
        let why = if !secrets.fitting.is_empty() {
            format!("the login in {} is refused", names(&secrets.fitting))
        } else if !secrets.unfitting.is_empty() {
            format!("{} holds logins for other registries only", names(&secrets.unfitting))
        } else if pod.spec.image_pull_secrets.is_empty() {
            "the pods name no pull secret".into()
        } else {
            "the login is refused".into()
        };
        let secret = secrets.fitting.first().or(secrets.unfitting.first()).copied();
        let make = format!(
            "kubectl create secret docker-registry {} --docker-server={registry} --docker-username=USER --docker-password=PASSWORD -n {} --dry-run=client -o yaml | kubectl apply -f -",
            secret.unwrap_or("registry-credentials"),
            scene.namespace()
        );
        let mut finding = Finding::new(
            DIAGNOSIS.id,
            scene.workload(pod),
            format!(
                "{registry} refuses to give {} the image `{}`: {why}",
                group.workload,
                clean(image)
            ),
        )
        .explaining(group.pods())
        .because(mine.into_iter().flat_map(|pull| scene.pull_evidence(pull)))
        .because([scene.field(
            Source::Pods,
            pod.object(),
            "spec.imagePullSecrets",
            names(
                &pod.spec
                    .image_pull_secrets
                    .iter()
                    .map(|it| it.name.as_str())
                    .collect::<Vec<_>>(),
            ),
        )])
        .mend(make);
        if secret.is_none() {
            finding = finding.mend(format!("kubectl patch serviceaccount {} -n {} -p '{{\"imagePullSecrets\":[{{\"name\":\"registry-credentials\"}}]}}'", account(pod), scene.namespace()));
        }
        finding
    };
    Ok(per_key(scene, seen).into_iter().map(finding).collect())
}

fn account(pod: &crate::snapshot::Pod) -> &str {
    match pod.spec.service_account_name.as_str() {
        "" => "default",
        name => name,
    }
}
