//! A service of type `LoadBalancer` has got no address.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean, minutes, since},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "load-balancer-pending",
    topic: Topic::Network,
    symptom: "A service has no address from outside: `EXTERNAL-IP` stays `<pending>`",
    cause: "Nobody gives it a load balancer: there is no controller for it, or the cloud refuses",
    reads: &[Source::Services, Source::Events],
    look,
};

/// Clouds take a few minutes.
const PATIENCE: jiff::SignedDuration = jiff::SignedDuration::from_mins(5);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let mut services: Vec<_> = scene.snapshot.services()?.iter().collect();
    services.sort_by_key(|service| &service.metadata.name);
    let _ = scene.snapshot.events();
    let waiting = services.into_iter().filter(|service| {
        service.spec.kind == "LoadBalancer"
            && service.status.load_balancer.ingress.is_empty()
            && service.spec.external_ips.is_empty()
            && since(service.metadata.creation_timestamp, scene.now()) > PATIENCE
    });
    let findings = waiting.map(|service| {
        let object = format!("service/{}", service.metadata.name);
        let said = scene
            .events("Service", &service.metadata)
            .filter(|event| event.kind == "Warning")
            .last();
        let why = match said {
            Some(event) => clean(&event.message),
            None => "no event says that anybody tries".into(),
        };
        let finding = Finding::new(
            DIAGNOSIS.id,
            &object,
            format!(
                "{object} has waited for its load balancer for {}: {why}",
                minutes(since(service.metadata.creation_timestamp, scene.now()))
            ),
        )
        .weighing(Weight::Warning)
        .shown(if said.is_some() {
            Directness::Said
        } else {
            Directness::Inferred
        })
        .because([scene.field(Source::Services, &object, "status.loadBalancer", "no address")])
        .because(said.map(|event| scene.event(&object, event)));
        finding
            .mend(format!("kubectl describe {object} -n {}", scene.namespace()))
            .mend(format!(
                "kubectl patch {object} -n {} --type=merge -p '{{\"spec\":{{\"type\":\"ClusterIP\"}}}}'",
                scene.namespace()
            ))
    });
    Ok(findings.collect())
}
