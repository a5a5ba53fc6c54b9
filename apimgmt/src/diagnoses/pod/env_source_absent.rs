//! The Secret or ConfigMap that a container's environment comes from does not exist.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{Group, Scene, absence, clean, per_key, quoted},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "env-source-absent",
    topic: Topic::Pod,
    symptom: "Pods stay in CreateContainerConfigError",
    cause: "The Secret or ConfigMap that the environment comes from does not exist in this namespace",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Secrets,
        Source::ConfigMaps,
    ],
    look,
};

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    let waiting = scene.waiting(&["CreateContainerConfigError"])?;
    let seen = waiting.filter_map(|(sighting, waiting)| Some((absent_object(&waiting.message)?, sighting)));
    // One that is there now was made a moment ago: the kubelet has not tried again yet.
    let seen: Vec<_> = seen.filter(|(object, _)| !absence::exists(scene, object)).collect();
    let finding = |group: Group<'a>| {
        let object = clean(&group.key);
        let (kind, name) = object.split_once('/').unwrap_or(("configmap", &object));
        let mut finding = Finding::new(
            DIAGNOSIS.id,
            &object,
            format!(
                "the {} `{name}`, which the environment of {} comes from, does not exist in namespace {}",
                absence::kind_name(kind),
                group.workload,
                scene.namespace()
            ),
        )
        .explaining(group.pods())
        .because(group.waits(scene))
        .because(absence::evidence(scene, &object))
        .not(
            "the image or the command",
            "the container was not created: its environment comes first",
        );
        if let Some(near) = absence::nearest(scene, &object) {
            finding = finding
                .mend(format!("kubectl edit {} -n {}", group.workload, scene.namespace()))
                .mend(format!("Name `{near}` there if that is what was meant"));
        }
        finding.mend(absence::creation(scene, &object))
    };
    Ok(per_key(scene, seen).into_iter().map(finding).collect())
}

/// `configmap "settings" not found`, `secret "login" not found`.
fn absent_object(message: &str) -> Option<String> {
    if !message.contains("not found") {
        return None;
    }
    let of_kind = |kind: &str| quoted(message, &format!("{kind} ")).map(|name| format!("{kind}/{name}"));
    of_kind("configmap").or_else(|| of_kind("secret"))
}
