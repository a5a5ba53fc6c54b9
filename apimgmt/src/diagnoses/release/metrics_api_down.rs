//! The metrics API is registered and does not answer: nobody knows what pods use.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean},
    },
    snapshot::{Source, Unreadable, condition},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "metrics-api-down",
    topic: Topic::Release,
    symptom: "`kubectl top` fails and autoscalers stand still",
    cause: "The aggregated metrics API is registered, and its server does not answer",
    reads: &[Source::ApiServices],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let services = scene.snapshot.api_services()?.iter();
    let metrics = services.filter(|it| it.metadata.name.ends_with(".metrics.k8s.io"));
    let mut down: Vec<_> = metrics
        .filter_map(|it| {
            Some((
                it,
                condition(&it.status.conditions, "Available").filter(|one| one.status == "False")?,
            ))
        })
        .collect();
    down.sort_by_key(|(it, _)| &it.metadata.name);
    let findings = down.into_iter().map(|(service, available)| {
        let object = format!("apiservice/{}", service.metadata.name);
        let value = format!("{} {}: {}", available.status, available.reason, available.message);
        Finding::new(
            DIAGNOSIS.id,
            &object,
            format!("{object} does not answer: {}", clean(&available.message)),
        )
        .weighing(Weight::Warning)
        .shown(Directness::Said)
        .because([scene.field(Source::ApiServices, &object, "status.conditions[Available]", value)])
        .mend(format!("kubectl describe {object}"))
        .mend("kubectl get pods -n kube-system -l k8s-app=metrics-server")
    });
    Ok(findings.collect())
}
