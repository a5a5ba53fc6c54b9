//! The newest revision failed, and a former one serves, or none.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "release-failed",
    topic: Topic::Release,
    symptom: "What was to be deployed is not what runs",
    cause: "The newest revision of the release failed",
    reads: &[
        Source::Releases,
        Source::Deployments,
        Source::StatefulSets,
        Source::Jobs,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let revisions = scene.snapshot.releases()?;
    let jobs = scene.snapshot.jobs().map(Vec::as_slice).unwrap_or_default();
    let _ = (scene.snapshot.deployments(), scene.snapshot.stateful_sets());
    let Some(newest) = revisions.first().filter(|newest| newest.status == "failed") else {
        return Ok(Vec::new());
    };
    let object = format!("release/{}", newest.name);
    let former = revisions
        .iter()
        .find(|other| matches!(other.status.as_str(), "deployed" | "superseded"));
    let serves = match former {
        Some(former) => format!("revision {} was deployed before it", former.revision),
        None => "no revision was ever deployed".into(),
    };
    let finding = Finding::new(
        DIAGNOSIS.id,
        &object,
        format!(
            "revision {} of {object} failed: {}; {serves}",
            newest.revision,
            clean(&newest.description)
        ),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Compared)
    // Whatever keeps its workloads or hooks from coming up is why it failed.
    .following(
        scene
            .workloads()
            .into_iter()
            .filter(|it| it.trouble().is_some())
            .map(|it| it.object),
    )
    .following(
        jobs.iter()
            .filter(|job| job.failed().is_some())
            .map(|job| format!("job/{}", job.metadata.name)),
    )
    .because([scene.field(
        Source::Releases,
        &object,
        &format!("description of revision {}", newest.revision),
        &newest.description,
    )]);
    Ok(vec![match former {
        Some(former) => finding.mend(format!(
            "helm rollback {} {} -n {} --wait",
            newest.name,
            former.revision,
            scene.namespace()
        )),
        None => finding.mend(format!("helm history {} -n {}", newest.name, scene.namespace())),
    }])
}
