//! An ingress is of a class that does not exist, so no controller serves it.

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Scene, clean, distance, list},
    },
    snapshot::{
        Source, Unreadable,
        services::{Ingress, IngressClass},
    },
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "ingress-class-absent",
    topic: Topic::Tls,
    symptom: "The host answers with 404 or not at all, and the ingress has no address",
    cause: "No controller feels responsible: the class of the ingress does not exist",
    reads: &[Source::Ingresses, Source::IngressClasses],
    look,
};

/// What the class was called before it had a field of its own; controllers still look at it.
const ANNOTATION: &str = "kubernetes.io/ingress.class";

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let (ingresses, classes) = (scene.snapshot.ingresses()?, scene.snapshot.ingress_classes()?);
    let mut names: Vec<_> = classes.iter().map(|class| class.metadata.name.clone()).collect();
    names.sort();
    let has_default = classes.iter().any(IngressClass::is_default);
    let mut ingresses: Vec<_> = ingresses.iter().collect();
    ingresses.sort_by_key(|ingress| &ingress.metadata.name);
    let unserved = ingresses.into_iter().filter(|ingress| {
        let class = ingress.spec.ingress_class_name.as_str();
        // Who has an address is served all the same.
        let is_served = !ingress.status.load_balancer.ingress.is_empty();
        let is_annotated = ingress.metadata.annotations.contains_key(ANNOTATION);
        // Where there are no classes at all, whoever serves here serves without them.
        let is_unknown = if class.is_empty() {
            !names.is_empty() && !has_default && !is_annotated
        } else {
            !names.iter().any(|name| name == class)
        };
        is_unknown && !is_served
    });
    Ok(unserved.map(|ingress| finding(scene, ingress, &names)).collect())
}

fn finding(scene: &Scene<'_>, ingress: &Ingress, names: &[String]) -> Finding {
    let (object, class) = (ingress.object(), clean(&ingress.spec.ingress_class_name));
    let there = if names.is_empty() {
        "the cluster has none".to_owned()
    } else {
        format!("the cluster has {}", list(names))
    };
    let cause = if class.is_empty() {
        format!("{object} names no ingress class, and the cluster has no default; {there}")
    } else {
        format!("{object} is of the ingress class `{class}`, which does not exist; {there}")
    };
    let near = names
        .iter()
        .min_by_key(|name| (distance(name, &class), (*name).clone()));
    // A controller may be told to serve what names no class.
    let (weight, directness) = if class.is_empty() {
        (Weight::Warning, Directness::Inferred)
    } else {
        (Weight::Critical, Directness::Compared)
    };
    let finding = Finding::new(DIAGNOSIS.id, &object, cause)
        .weighing(weight)
        .shown(directness)
        .because([
            scene.field(
                Source::Ingresses,
                &object,
                "spec.ingressClassName",
                if class.is_empty() { "not set" } else { &class },
            ),
            scene.field(Source::Ingresses, &object, "status.loadBalancer", "no address"),
            scene.field(Source::IngressClasses, "ingressclass", "names", names.join(", ")),
        ])
        .not("the controller is down", "no class names a controller for it");
    match near {
        Some(name) => finding.mend(format!(
            "kubectl patch {object} -n {} --type=merge -p '{{\"spec\":{{\"ingressClassName\":\"{name}\"}}}}'",
            scene.namespace()
        )),
        None => finding.mend("Install an ingress controller, which brings its class along"),
    }
}
