//! The value of a secret was written with a line break, or encoded once too often.

use std::collections::BTreeSet;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean, list},
    },
    snapshot::{Source, Unreadable, sensitive::named},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "secret-value-malformed",
    topic: Topic::Pod,
    symptom: "A login or a key is refused although it looks right",
    cause: "The value in the Secret ends with a line break, or is base64 of base64",
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
        let facts = named(secrets, name)?.facts.get(key)?;
        let how = if facts.stray_whitespace {
            "begins or ends with white space, most likely a line break"
        } else if facts.encoded_twice {
            "is base64 of what is meant: it was encoded once too often"
        } else {
            return None;
        };
        let workloads: BTreeSet<_> = pods.iter().map(|pod| scene.workload(pod)).collect();
        let workloads: Vec<_> = workloads.into_iter().collect();
        let ill: BTreeSet<_> = pods.iter().filter(|pod| !pod.is_ready()).map(|pod| pod.object()).collect();
        let (object, key) = (format!("secret/{name}"), clean(key));
        Some(
            Finding::new(DIAGNOSIS.id, &object, format!("the value of `{key}` in {object}, which {} takes, {how}", list(&workloads)))
                .weighing(if ill.is_empty() { Weight::Warning } else { Weight::Critical })
                .shown(Directness::Compared)
                .explaining(ill)
                .because([scene.field(Source::Secrets, &object, &format!("{key} (its form; the value is not kept)"), how)])
                .mend(format!(
                    "kubectl create secret generic {name} --from-literal={key}=VALUE -n {} --dry-run=client -o yaml | kubectl apply --server-side --force-conflicts -f -",
                    scene.namespace()
                ))
                .mend("Write the value without a line break (`printf`, not `echo`), then restart who takes it"),
        )
    });
    Ok(findings.collect())
}
