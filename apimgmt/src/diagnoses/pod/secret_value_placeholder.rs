//! The value of a secret is one that everybody knows: a sample, or a default.

use std::collections::BTreeSet;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean, list},
    },
    snapshot::{Source, Unreadable, sensitive::named},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "secret-value-placeholder",
    topic: Topic::Pod,
    symptom: "A login works with a password from a manual, or fails since nobody set one",
    cause: "The value in the Secret is a known placeholder",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Secrets,
        Source::ConfigMaps,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let secrets = scene.snapshot.secrets()?;
    let _ = scene.snapshot.config_maps();
    let findings = scene.secret_keys()?.into_iter().filter_map(|((name, key), pods)| {
        named(secrets, name)?.facts.get(key).filter(|facts| facts.placeholder)?;
        let workloads: BTreeSet<_> = pods.iter().map(|pod| scene.workload(pod)).collect();
        let workloads: Vec<_> = workloads.into_iter().collect();
        let (object, key) = (format!("secret/{name}"), clean(key));
        Some(
            Finding::new(
                DIAGNOSIS.id,
                &object,
                format!("the value of `{key}` in {object}, which {} takes, is a known placeholder", list(&workloads)),
            )
            .weighing(Weight::Warning)
            .shown(Directness::Compared)
            .because([scene.field(Source::Secrets, &object, &format!("{key} (its form; the value is not kept)"), "a known placeholder")])
            .mend(format!(
                "kubectl create secret generic {name} --from-literal={key}=VALUE -n {} --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -",
                scene.namespace()
            ))
            .mend("Change it where it is checked, too, and restart who takes it"),
        )
    });
    Ok(findings.collect())
}
