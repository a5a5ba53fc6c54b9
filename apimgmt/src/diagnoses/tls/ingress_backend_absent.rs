//! An ingress routes to a service or a port that is not there.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic,
        scene::{Backing, Scene, clean, distance, list},
    },
    snapshot::{
        Source, Unreadable,
        services::{Ingress, IngressPath, IngressService},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "ingress-backend-absent",
    topic: Topic::Tls,
    symptom: "The host answers with 503 or 404 though every pod is ready",
    cause: "The backend of the ingress names a Service that does not exist, or a port that the Service does not have",
    reads: &[
        Source::Ingresses,
        Source::Services,
        Source::Pods,
        Source::EndpointSlices,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (ingresses, _) = (scene.snapshot.ingresses()?, scene.snapshot.services()?);
    let mut findings: Vec<Finding> = Vec::new();
    let mut ingresses: Vec<_> = ingresses.iter().collect();
    ingresses.sort_by_key(|ingress| &ingress.metadata.name);
    for ingress in ingresses {
        let paths = ingress.spec.rules.iter().enumerate();
        let paths =
            paths.flat_map(|(rule, it)| it.http.paths.iter().enumerate().map(move |(path, it)| (rule, path, it)));
        let found = paths.filter_map(|place| finding(scene, ingress, place));
        for finding in found.collect::<Vec<_>>() {
            // Many paths to the same port are one mistake.
            if !findings.iter().any(|known| known.cause == finding.cause) {
                findings.push(finding);
            }
        }
    }
    Ok(findings)
}

fn finding(scene: &Scene<'_>, ingress: &Ingress, (rule, path, it): (usize, usize, &IngressPath)) -> Option<Finding> {
    let (service, object) = (&it.backend.service, ingress.object());
    if service.name.is_empty() {
        return None;
    }
    let backings = scene.backings().ok()?;
    let field = format!("spec.rules[{rule}].http.paths[{path}].backend.service");
    let place = format!("/spec/rules/{rule}/http/paths/{path}/backend/service");
    let replace = |path: &str, value: String| {
        format!(
            "kubectl patch {object} -n {} --type=json -p '[{{\"op\":\"replace\",\"path\":\"{path}\",\"value\":{value}}}]'",
            scene.namespace()
        )
    };
    let base = |cause: String| Finding::new(DIAGNOSIS.id, &object, cause).shown(Directness::Compared);
    let Some(backing) = backings.get(service.name.as_str()) else {
        let name = clean(&service.name);
        let near = backings
            .keys()
            .filter(|other| distance(other, &name) <= 3)
            .min_by_key(|other| (distance(other, &name), **other));
        let hint = near.map_or(String::new(), |near| format!("; service/{near} comes nearest"));
        let finding = base(format!(
            "{object} routes {} to service/{name}, which does not exist{hint}",
            shown(it)
        ))
        .because([scene.field(Source::Ingresses, &object, &format!("{field}.name"), &name)])
        .because([scene.field(
            Source::Services,
            format!("service/{name}"),
            "metadata.name",
            "not found",
        )]);
        return Some(match near {
            Some(near) => finding.mend(replace(&format!("{place}/name"), format!("\"{near}\""))),
            None => finding.mend(format!("kubectl edit {object} -n {}", scene.namespace())),
        });
    };
    let asked = port(service);
    let ports = &backing.service.spec.ports;
    let is_there = ports.iter().any(|it| {
        if service.port.name.is_empty() {
            it.port == service.port.number
        } else {
            it.name == service.port.name
        }
    });
    if asked.is_empty() || is_there || ports.is_empty() {
        return None;
    }
    let finding = base(format!(
        "{object} routes {} to port {asked} of {}, which has only {}",
        shown(it),
        backing.object(),
        list(&named(backing))
    ))
    .because([
        scene.field(Source::Ingresses, &object, &format!("{field}.port"), &asked),
        scene.field(Source::Services, backing.object(), "spec.ports", list(&named(backing))),
    ])
    .not(
        "nobody answers behind the service",
        format!("{} of its endpoints are ready", backing.ready),
    );
    let right = ports.iter().find(|it| it.name == "http").unwrap_or(&ports[0]);
    Some(finding.mend(replace(
        &format!("{place}/port"),
        format!("{{\"number\":{}}}", right.port),
    )))
}

fn shown(path: &IngressPath) -> String {
    if path.path.is_empty() {
        "everything".into()
    } else {
        clean(&path.path)
    }
}

fn port(service: &IngressService) -> String {
    match (service.port.name.as_str(), service.port.number) {
        ("", 0) => String::new(),
        ("", number) => number.to_string(),
        (name, _) => format!("`{}`", clean(name)),
    }
}

fn named(backing: &Backing<'_>) -> Vec<String> {
    let ports = backing.service.spec.ports.iter();
    ports
        .map(|it| {
            if it.name.is_empty() {
                it.port.to_string()
            } else {
                format!("{} ({})", it.port, clean(&it.name))
            }
        })
        .collect()
}
