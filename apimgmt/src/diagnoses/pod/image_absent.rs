//! The registry does not have the image that a container asks for.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{PullFailure, Scene, clean, per_workload, pulls},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "image-absent",
    topic: Topic::Pod,
    symptom: "Pods stay in ImagePullBackOff",
    cause: "The registry has no image of that name and tag",
    reads: &[Source::Pods, Source::ReplicaSets, Source::Jobs, Source::Events],
    look,
};

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    let pulls = scene.pulls(PullFailure::Absent)?;
    let groups = per_workload(scene, pulls.iter().map(|pull| (pull.image.to_owned(), pull.sighting)));
    let finding = |group: crate::diagnoses::scene::Group<'a>| {
        let (image, container) = (clean(&group.key), group.container());
        let evidence = pulls
            .iter()
            .filter(|pull| pull.image == group.key)
            .take(2)
            .flat_map(|pull| scene.pull_evidence(pull));
        let mended = match other_tag(scene, &group.key) {
            Some(other) => format!(
                "kubectl set image {} {container}={other} -n {}",
                group.workload,
                scene.namespace()
            ),
            None => format!(
                "kubectl set image {} {container}={}:TAG -n {}",
                group.workload,
                pulls::repository(&image),
                scene.namespace()
            ),
        };
        Finding::new(
            DIAGNOSIS.id,
            &group.workload,
            format!(
                "{} asks for the image `{image}`, which {} does not have",
                group.workload,
                pulls::registry(&image)
            ),
        )
        .explaining(group.pods())
        .because(evidence)
        .not(
            "the pull secret is absent or refused",
            "the registry answered that the image was not found, not that a login was missing",
        )
        .not("the registry cannot be reached", "it answered")
        .mend(mended)
        .mend(scene.undo(&group.workload))
    };
    Ok(groups.into_iter().map(finding).collect())
}

/// An image of the same repository that a container of a ready pod runs.
fn other_tag<'a>(scene: &Scene<'a>, image: &str) -> Option<&'a str> {
    let pods = scene.pods().ok()?.iter().copied().filter(|pod| pod.is_ready());
    let mut images = pods
        .flat_map(|pod| &pod.spec.containers)
        .map(|container| container.image.as_str());
    images.find(|other| *other != image && pulls::repository(other) == pulls::repository(image))
}
