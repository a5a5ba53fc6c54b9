//! A node does not answer, and its pods only seem to run.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean, counted, minutes, since},
    },
    snapshot::{Source, Unreadable, condition},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "node-lost",
    topic: Topic::Pod,
    symptom: "Pods are shown as running and answer nobody",
    cause: "Their node does not answer or is not ready",
    reads: &[Source::Nodes, Source::Pods],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (pods, _) = (scene.pods()?, scene.snapshot.nodes()?);
    let findings = scene.nodes().into_iter().filter_map(|node| {
        let ready = condition(&node.status.conditions, "Ready").filter(|ready| ready.status != "True")?;
        let there: Vec<_> = pods
            .iter()
            .filter(|pod| pod.node_name == node.metadata.name && !pod.has_ended())
            .collect();
        // A node without pods of this namespace is nobody's concern here.
        if there.is_empty() {
            return None;
        }
        let object = format!("node/{}", node.metadata.name);
        let how = if ready.status == "Unknown" {
            "has not answered"
        } else {
            "has not been ready"
        };
        let cause = format!(
            "{object} {how} for {} ({}), and {} of this namespace {} bound to it",
            minutes(since(ready.last_transition_time, scene.now())),
            clean(&ready.message),
            counted(i64::try_from(there.len()).unwrap_or(i64::MAX), "pod"),
            if there.len() == 1 { "is" } else { "are" }
        );
        Some(
            Finding::new(DIAGNOSIS.id, &object, cause)
                .weighing(Weight::Critical)
                .shown(Directness::Said)
                .explaining(there.iter().map(|pod| pod.object()))
                .because([scene.field(
                    Source::Nodes,
                    &object,
                    "status.conditions[Ready]",
                    format!("{} {}: {}", ready.status, ready.reason, ready.message),
                )])
                .not("the applications are at fault", "the node itself does not report")
                .mend(format!("kubectl describe {object}"))
                .mend(format!(
                    "kubectl drain {} --ignore-daemonsets --delete-emptydir-data --force",
                    node.metadata.name
                )),
        )
    });
    Ok(findings.collect())
}
