//! A workload is scaled to 0 although others depend on it.

use std::collections::BTreeSet;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Backing, Scene, Workload, list, selects},
    },
    snapshot::{Pod, Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "workload-scaled-to-zero",
    topic: Topic::Pod,
    symptom: "A service has no endpoints, and those who depend on it fail",
    cause: "The workload behind the service is scaled to 0",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Deployments,
        Source::StatefulSets,
        Source::Services,
        Source::EndpointSlices,
        Source::Ingresses,
        Source::Secrets,
        Source::ConfigMaps,
        Source::Logs,
    ],
    look,
};

fn look<'a>(scene: &Scene<'a>) -> Result<Vec<Finding>, Unreadable> {
    let backings = scene.backings()?;
    scene.ask_dependencies();
    let ingresses = scene.snapshot.ingresses().map(Vec::as_slice).unwrap_or_default();
    let mut findings = Vec::new();
    for workload in scene.workloads().into_iter().filter(|it| it.wanted == 0) {
        let labels = &workload.template.metadata.labels;
        let mine: Vec<&Backing<'a>> = backings
            .values()
            .filter(|it| it.is_down() && selects(&it.service.spec.selector, labels))
            .collect();
        let names: BTreeSet<&str> = mine.iter().map(|it| it.service.metadata.name.as_str()).collect();
        let dependents: Vec<&Pod> = mine
            .iter()
            .flat_map(|it| scene.dependents(&it.service.metadata.name))
            .copied()
            .collect();
        let routed: Vec<String> = ingresses
            .iter()
            .filter(|it| {
                it.spec
                    .rules
                    .iter()
                    .flat_map(|rule| &rule.http.paths)
                    .any(|path| names.contains(path.backend.service.name.as_str()))
            })
            .map(|it| format!("ingress/{}", it.metadata.name))
            .collect();
        if !dependents.is_empty() || !routed.is_empty() {
            findings.push(finding(scene, &workload, &mine, &dependents, &routed));
        }
    }
    Ok(findings)
}

fn finding<'a>(
    scene: &Scene<'a>,
    workload: &Workload<'a>,
    mine: &[&Backing<'a>],
    dependents: &[&'a Pod],
    routed: &[String],
) -> Finding {
    let object = &workload.object;
    let who: BTreeSet<String> = dependents
        .iter()
        .map(|pod| scene.workload(pod))
        .chain(routed.iter().cloned())
        .collect();
    let who = list(&who.into_iter().collect::<Vec<_>>());
    // Those who get on without it, as an application without its cache may, make it less grave.
    let suffers = dependents.iter().any(|pod| !pod.is_ready()) || !routed.is_empty();
    let needs = dependents
        .iter()
        .flat_map(|pod| scene.needs(pod))
        .find(|need| mine.iter().any(|it| it.service.metadata.name == need.service));
    Finding::new(
        DIAGNOSIS.id,
        object,
        format!("{object} is scaled to 0, and {who} cannot do without it"),
    )
    .weighing(if suffers { Weight::Critical } else { Weight::Warning })
    .shown(Directness::Said)
    .explaining(mine.iter().map(|backing| backing.object()))
    .because([scene.field(workload.source, object, "spec.replicas", 0)])
    .because(mine.iter().filter_map(|backing| scene.endpoints_evidence(backing)))
    .because(needs.map(|need| scene.field(Source::Pods, dependents[0].object(), &need.written_in, &need.address)))
    .not("its pods fail", "it has none, and none are wanted")
    .mend(format!("kubectl scale {object} --replicas=1 -n {}", scene.namespace()))
}
