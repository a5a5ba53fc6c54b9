//! A deployment is paused, so that a change of it stays where it is.

use crate::{
    diagnoses::{Diagnosis, Directness, Finding, Topic, Weight, scene::Scene},
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "deployment-paused",
    topic: Topic::Release,
    symptom: "A change of a deployment does nothing",
    cause: "The deployment is paused: its controller makes no pods of a new template",
    reads: &[Source::Deployments, Source::StatefulSets],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (_, _) = (scene.snapshot.deployments()?, scene.snapshot.stateful_sets());
    let paused = scene.workloads().into_iter().filter(|it| it.paused && it.wanted > 0);
    let findings = paused.map(|workload| {
        let (object, updated) = (&workload.object, workload.status.updated_replicas);
        // Pods of the newest template are lacking: there is a change that nobody rolls out.
        let waits = updated < workload.wanted;
        let (what, weight) = if waits {
            (
                format!("{updated} of {} pods have its newest template", workload.wanted),
                Weight::Warning,
            )
        } else {
            ("its next change will do nothing".into(), Weight::Info)
        };
        Finding::new(DIAGNOSIS.id, object, format!("{object} is paused, and {what}"))
            .weighing(weight)
            .shown(Directness::Compared)
            .because([
                scene.field(workload.source, object, "spec.paused", true),
                scene.field(workload.source, object, "status.updatedReplicas", updated),
            ])
            .mend(format!("kubectl rollout resume {object} -n {}", scene.namespace()))
    });
    Ok(findings.collect())
}
