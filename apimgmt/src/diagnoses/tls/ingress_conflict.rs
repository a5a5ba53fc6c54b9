//! Two ingresses claim the same host and path.

use std::collections::BTreeMap;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Scene, clean, list},
    },
    snapshot::{Source, Unreadable, services::Ingress},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "ingress-conflict",
    topic: Topic::Tls,
    symptom: "Requests go to another service than expected, now and then",
    cause: "Two ingresses of one class claim the same host and path; which one wins is the controller's choice",
    reads: &[Source::Ingresses],
    look,
};

/// Class, host and path that an ingress wants to serve.
type Claim<'a> = (&'a str, &'a str, &'a str);

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let mut claims: BTreeMap<Claim<'_>, Vec<(&Ingress, &str)>> = BTreeMap::new();
    let mut ingresses: Vec<_> = scene.snapshot.ingresses()?.iter().collect();
    ingresses.sort_by_key(|ingress| &ingress.metadata.name);
    for ingress in ingresses {
        for rule in &ingress.spec.rules {
            for path in &rule.http.paths {
                let claim = (
                    ingress.spec.ingress_class_name.as_str(),
                    rule.host.as_str(),
                    path.path.as_str(),
                );
                claims
                    .entry(claim)
                    .or_default()
                    .push((ingress, &path.backend.service.name));
            }
        }
    }
    let contested = claims.into_iter().filter(|(_, claims)| {
        // A canary shares its host and path on purpose, and the same backend twice does no harm.
        let plain = || claims.iter().filter(|(ingress, _)| !is_canary(ingress));
        plain().any(|(ingress, service)| {
            plain().any(|(other, target)| other.metadata.name != ingress.metadata.name && target != service)
        })
    });
    let mut findings: Vec<Finding> = Vec::new();
    for ((_, host, path), claims) in contested {
        let finding = finding(scene, host, path, &claims);
        // Of two that claim many paths, one is enough to see it.
        if !findings.iter().any(|known| known.explains == finding.explains) {
            findings.push(finding);
        }
    }
    Ok(findings)
}

fn is_canary(ingress: &Ingress) -> bool {
    let canary = ingress.metadata.annotations.get("nginx.ingress.kubernetes.io/canary");
    canary.is_some_and(|value| value == "true")
}

fn finding(scene: &Scene<'_>, host: &str, path: &str, claims: &[(&Ingress, &str)]) -> Finding {
    let objects: Vec<_> = claims.iter().map(|(ingress, _)| ingress.object()).collect();
    let place = format!("{}{}", clean(host), clean(path));
    // The controllers that decide at all let the older one win: the newer one is the mistake.
    let newest = claims
        .iter()
        .max_by_key(|(ingress, _)| (ingress.metadata.creation_timestamp, &ingress.metadata.name))
        .map_or_else(|| objects[0].clone(), |(ingress, _)| ingress.object());
    Finding::new(
        DIAGNOSIS.id,
        &newest,
        format!("{} claim {place}, and route it to different services", list(&objects)),
    )
    .shown(Directness::Compared)
    .explaining(objects.clone())
    .because(claims.iter().map(|(ingress, service)| {
        scene.field(
            Source::Ingresses,
            ingress.object(),
            &format!("backend of {place}"),
            service,
        )
    }))
    .mend(format!("kubectl delete {newest} -n {}", scene.namespace()))
    .mend(format!("kubectl edit {newest} -n {}", scene.namespace()))
}
