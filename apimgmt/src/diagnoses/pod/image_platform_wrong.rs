//! The image was built for another processor than the node has.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{Group, PullFailure, Scene, Sighting, clean, per_workload, pulls},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "image-platform-wrong",
    topic: Topic::Pod,
    symptom: "Containers end at once with `exec format error`, or their image has no match for the platform",
    cause: "The image was built for another processor than the node has",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Events,
        Source::Logs,
        Source::Nodes,
    ],
    look,
};

const WORDS: &str = "exec format error";

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    let pulls = scene.pulls(PullFailure::OtherPlatform)?;
    let unpulled = pulls.iter().map(|pull| pull.sighting);
    let failing = scene
        .containers()?
        .filter(|sighting| sighting.is_down() && is_said(scene, *sighting));
    let image = |sighting: Sighting<'a>| {
        sighting
            .pod
            .container(&sighting.status.name)
            .map(|it| it.image.clone())
            .unwrap_or_default()
    };
    let seen: Vec<_> = unpulled
        .chain(failing)
        .map(|sighting| (image(sighting), sighting))
        .collect();
    let architectures: Vec<_> = scene
        .snapshot
        .nodes()
        .into_iter()
        .flatten()
        .map(|node| (&node.metadata.name, &node.status.node_info.architecture))
        .collect();
    let finding = |group: Group<'a>| {
        let Sighting { pod, status } = group.first();
        let image = clean(&group.key);
        let node = architectures.iter().find(|(name, _)| **name == pod.node_name);
        let place = match node {
            Some((name, architecture)) if !architecture.is_empty() => format!("{name} ({architecture})"),
            _ => "its node".into(),
        };
        let line = line(scene, group.first());
        Finding::new(DIAGNOSIS.id, &group.workload, format!("the image `{image}` of {} was not built for the processor of {place}", group.workload))
            .explaining(group.pods())
            .because(group.states(scene))
            .because(line.map(|(previous, line)| scene.log_line(pod, &status.name, previous, line)))
            .because(pulls.iter().filter(|pull| pull.image == group.key).take(1).flat_map(|pull| scene.pull_evidence(pull)))
            .because(node.map(|(name, architecture)| scene.field(Source::Nodes, format!("node/{name}"), "status.nodeInfo.architecture", architecture)))
            .not("the command is not in the image", "the kernel found it and could not run it")
            .mend(format!("kubectl set image {} {}={}:TAG -n {}", group.workload, status.name, pulls::repository(&image), scene.namespace()))
            .mend("Build the image for the nodes' processors too (`docker buildx build --platform linux/amd64,linux/arm64`), or place the pods by `kubernetes.io/arch`")
    };
    Ok(per_workload(scene, seen).into_iter().map(finding).collect())
}

/// Whether a state or a log says that the program's format is wrong.
fn is_said<'a>(scene: &Scene<'a>, sighting: Sighting<'a>) -> bool {
    let state = sighting.ended().is_some_and(|(_, ended)| ended.message.contains(WORDS));
    state || line(scene, sighting).is_some()
}

/// The line that says so, and whether it is of the run before.
fn line<'a>(scene: &Scene<'a>, sighting: Sighting<'a>) -> Option<(bool, &'a str)> {
    [true, false].into_iter().find_map(|previous| {
        let lines = scene.log(sighting.pod, &sighting.status.name, previous);
        let line = lines.iter().rev().take(5).find(|line| line.contains(WORDS))?;
        Some((previous, line.as_str()))
    })
}
