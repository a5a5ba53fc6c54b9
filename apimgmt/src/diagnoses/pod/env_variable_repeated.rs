//! A variable is set twice in one container, and the later one wins.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "env-variable-repeated",
    topic: Topic::Pod,
    symptom: "A container does not see the value that its manifest seems to give",
    cause: "The same variable is set twice: the later one shadows the earlier",
    reads: &[Source::Deployments, Source::StatefulSets],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (_, _) = (scene.snapshot.deployments()?, scene.snapshot.stateful_sets());
    let mut findings = Vec::new();
    for workload in scene.workloads() {
        let (object, source) = (&workload.object, workload.source);
        let containers = workload
            .template
            .spec
            .containers
            .iter()
            .chain(&workload.template.spec.init_containers);
        for container in containers {
            let repeated = container.env.iter().enumerate().find_map(|(index, variable)| {
                let later = container.env[index + 1..]
                    .iter()
                    .find(|other| other.name == variable.name)?;
                (later != variable).then_some(variable)
            });
            let Some(variable) = repeated else { continue };
            let name = clean(&variable.name);
            findings.push(
                Finding::new(
                    DIAGNOSIS.id,
                    object,
                    format!(
                        "container {} of {object} sets {name} twice with different values, and the later one wins",
                        container.name
                    ),
                )
                .weighing(Weight::Warning)
                .shown(Directness::Compared)
                .because([scene.field(
                    source,
                    object,
                    &format!("env of {}", container.name),
                    format!("{name} twice"),
                )])
                .mend(format!("kubectl edit {object} -n {}", scene.namespace())),
            );
        }
    }
    Ok(findings)
}
