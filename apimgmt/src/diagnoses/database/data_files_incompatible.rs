//! The database's image is of another major version than its data.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{
            Backing, Said, Scene, clean,
            servers::{container_of, state_of},
        },
    },
    signatures::{Answer, Family, answer},
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "data-files-incompatible",
    topic: Topic::Database,
    symptom: "The database ends at once with `database files are incompatible with server`",
    cause: "The image was changed across a major version, and the data was not upgraded",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Logs,
        Source::Services,
        Source::EndpointSlices,
        Source::Secrets,
        Source::ConfigMaps,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    scene.current()?;
    scene.ask_dependencies();
    let said = scene.of_servers(Family::Postgresql, &[Answer::IncompatibleFiles]);
    let down = said.iter().filter(|said| !said.pod.is_ready());
    Ok(down.map(|said| finding(scene, said)).collect())
}

fn finding<'a>(scene: &Scene<'a>, said: &Said<'a>) -> Finding {
    let (pod, workload, namespace) = (said.pod, scene.workload(said.pod), scene.namespace());
    let container = container_of(pod, Family::Postgresql);
    let image = container.map(|it| clean(&it.image)).unwrap_or_default();
    let lines = scene.log(pod, said.container, said.previous);
    let own = lines
        .iter()
        .filter(|line| matches!(answer(line), Some((_, Answer::IncompatibleFiles))));
    let versions = lines.iter().rev().find_map(|line| {
        let made = after(line, "initialized by PostgreSQL version ")?;
        Some((made, after(line, "not compatible with this version ")?))
    });
    let cause = match versions {
        Some((made, runs)) => {
            format!(
                "the data of {workload} was made by PostgreSQL {made}, and image {image} runs {runs}, which cannot read it"
            )
        }
        None => {
            format!("the data of {workload} was made by another major version of PostgreSQL than image {image} runs")
        }
    };
    let services = scene.services_of(pod).map(Backing::name);
    let finding = Finding::new(DIAGNOSIS.id, &workload, cause)
        .explaining([pod.object()])
        .explaining(services.map(|service| state_of("answer", service)))
        .because(
            own.rev()
                .take(2)
                .map(|line| scene.log_line(pod, said.container, said.previous, line)),
        )
        .because(container.map(|it| scene.field(Source::Pods, pod.object(), "image", &it.image)))
        .not(
            "the data is damaged",
            "the server refuses it for its version, before it reads any",
        );
    let old = versions.and_then(|(made, _)| image_of(&image, made));
    let finding = match (old, container) {
        (Some(old), Some(container)) => finding.mend(format!(
            "kubectl set image {workload} {}={old} -n {namespace}",
            container.name
        )),
        _ => finding.mend(scene.undo(&workload)),
    };
    finding
        // The controller waits for a pod that can never be ready.
        .mend(format!("kubectl delete {} -n {namespace}", pod.object()))
        .mend("Then upgrade on purpose: `pg_upgrade`, or a dump that the new version restores")
}

/// The version after a mark: digits and dots.
fn after<'l>(line: &'l str, mark: &str) -> Option<&'l str> {
    let rest = &line[line.find(mark)? + mark.len()..];
    let end = rest
        .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
        .unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches('.')).filter(|version| !version.is_empty())
}

/// The same image with the tag of another major version, where its tag is a version.
fn image_of(image: &str, version: &str) -> Option<String> {
    let (repository, tag) = image
        .rsplit_once(':')
        .filter(|(_, tag)| !tag.contains('/') && !image.contains('@'))?;
    tag.starts_with(|letter: char| letter.is_ascii_digit())
        .then(|| format!("{repository}:{version}"))
}
