//! The value of a secret is one that everybody knows: a sample, or a default.

use crate::{
    diagnoses::{Diagnosis, Directness, Finding, Topic, Weight, scene::Scene},
    snapshot::{Source, Unreadable},
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
    let values = scene.taken_values()?.into_iter();
    let findings = values.filter(|value| value.facts.placeholder).map(|value| {
        let cause = format!("{} is a known placeholder", value.words(scene));
        Finding::new(DIAGNOSIS.id, value.object(), cause)
            .weighing(Weight::Warning)
            .shown(Directness::Compared)
            .because([value.form(scene, "a known placeholder")])
            .mend(value.setting(scene))
            .mend("Change it where it is checked, too, and restart who takes it")
    });
    Ok(findings.collect())
}
