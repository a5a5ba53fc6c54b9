//! A container must not run as root, and its image would.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{Group, Scene, clean, per_workload},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "root-image-refused",
    topic: Topic::Pod,
    symptom: "Pods stay in CreateContainerConfigError",
    cause: "`runAsNonRoot` is set, and the image runs as root or does not say by number as whom",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let waiting = scene.waiting(&["CreateContainerConfigError"])?;
    let seen = waiting.filter_map(|(sighting, waiting)| {
        reason(&waiting.message).map(|_| (sighting.status.name.to_string(), sighting))
    });
    let groups = per_workload(scene, seen.collect::<Vec<_>>());
    Ok(groups.into_iter().map(|group| finding(scene, &group)).collect())
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>) -> Finding {
    let (pod, container) = (group.first().pod, group.container());
    let image = pod.container(container).map_or("", |it| &it.image);
    let why = group
        .first()
        .waiting()
        .and_then(|waiting| reason(&waiting.message))
        .unwrap_or_default();
    let patch = format!(
        r#"{{"spec":{{"template":{{"spec":{{"containers":[{{"name":"{container}","securityContext":{{"runAsUser":10001}}}}]}}}}}}}}"#
    );
    Finding::new(
        DIAGNOSIS.id,
        &group.workload,
        format!(
            "container {container} of {} must not run as root (`runAsNonRoot`), and {why} (`{}`)",
            group.workload,
            clean(image)
        ),
    )
    .explaining(group.pods())
    .because(group.waits(scene))
    .not(
        "a Secret or ConfigMap is absent",
        "the message names the user, not an object",
    )
    .mend(format!(
        "kubectl patch {} -n {} -p '{patch}'",
        group.workload,
        scene.namespace()
    ))
    .mend("Build the image with a numeric `USER` other than 0 if its files allow no other user")
}

/// What the kubelet objects to.
fn reason(message: &str) -> Option<&'static str> {
    if message.contains("image will run as root") {
        Some("its image does")
    } else if message.contains("non-numeric user") {
        Some("its image names its user by a word, which proves nothing")
    } else if message.contains("breaks non-root policy") {
        Some("its `runAsUser` is 0")
    } else if message.contains("has an invalid user id") {
        Some("its image has a user id that is out of range")
    } else {
        None
    }
}
