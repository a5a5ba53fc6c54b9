//! The value of a secret was written with a line break, or encoded once too often.

use crate::{
    diagnoses::{Diagnosis, Directness, Finding, Topic, Weight, scene::Scene},
    snapshot::{Source, Unreadable},
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
    let findings = scene.taken_values()?.into_iter().filter_map(|value| {
        let how = if value.facts.stray_whitespace {
            "begins or ends with white space, most likely a line break"
        } else if value.facts.encoded_twice {
            "is base64 of what is meant: it was encoded once too often"
        } else {
            return None;
        };
        let ill = value.ill();
        Some(
            Finding::new(DIAGNOSIS.id, value.object(), format!("{} {how}", value.words(scene)))
                .weighing(if ill.is_empty() {
                    Weight::Warning
                } else {
                    Weight::Critical
                })
                .shown(Directness::Compared)
                .explaining(ill)
                .because([value.form(scene, how)])
                .mend(value.setting(scene))
                .mend("Write the value without a line break (`printf`, not `echo`), then restart who takes it"),
        )
    });
    Ok(findings.collect())
}
