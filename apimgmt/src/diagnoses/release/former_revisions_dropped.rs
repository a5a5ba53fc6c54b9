//! A deployment keeps no former replica set: there is nothing to return to.

use crate::{
    diagnoses::{Diagnosis, Directness, Finding, Topic, Weight, scene::Scene},
    snapshot::{Source, Unreadable, workloads::Deployment},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "former-revisions-dropped",
    topic: Topic::Release,
    symptom: "`kubectl rollout undo` says that no rollout history is found",
    cause: "The deployment's revisionHistoryLimit is 0: former replica sets are deleted at once",
    reads: &[Source::Deployments],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let mut deployments: Vec<_> = scene.snapshot.deployments()?.iter().collect();
    deployments.sort_by_key(|it| &it.metadata.name);
    let keepless = deployments
        .into_iter()
        .filter(|it| it.spec.revision_history_limit == Some(0));
    Ok(keepless.map(|it| finding(scene, it)).collect())
}

fn finding(scene: &Scene<'_>, deployment: &Deployment) -> Finding {
    let object = format!("deployment/{}", deployment.metadata.name);
    Finding::new(
        DIAGNOSIS.id,
        &object,
        format!("{object} keeps no former revision, so a bad rollout can't be undone"),
    )
    .weighing(Weight::Warning)
    .shown(Directness::Said)
    .because([scene.field(Source::Deployments, &object, "spec.revisionHistoryLimit", 0)])
    .mend(format!(
        "kubectl patch {object} -n {} --type=merge -p '{{\"spec\":{{\"revisionHistoryLimit\":10}}}}'",
        scene.namespace()
    ))
}
