//! Secrets and config maps that are named but do not exist.

use super::{Scene, distance};
use crate::{
    checklist::Evidence,
    snapshot::{
        Source, Unreadable,
        sensitive::{Sensitive, named},
    },
};

/// As people write the kind.
pub(crate) fn kind_name(kind: &str) -> &'static str {
    if kind == "secret" { "Secret" } else { "ConfigMap" }
}

/// What is known of all objects of the kind of `kind/name`.
fn known<'a>(scene: &Scene<'a>, object: &str) -> (Source, Result<&'a Vec<Sensitive>, Unreadable>) {
    let (secrets, config_maps) = (scene.snapshot.secrets(), scene.snapshot.config_maps());
    if object.starts_with("secret/") {
        (Source::Secrets, secrets)
    } else {
        (Source::ConfigMaps, config_maps)
    }
}

fn name(object: &str) -> &str {
    object.split_once('/').map_or(object, |(_, name)| name)
}

/// What is known of `kind/name`; `None` when it does not exist or could not be read.
pub(crate) fn facts<'a>(scene: &Scene<'a>, object: &str) -> Option<&'a Sensitive> {
    known(scene, object)
        .1
        .ok()
        .and_then(|objects| named(objects, name(object)))
}

/// Whether `kind/name` is known to exist.
pub(crate) fn exists(scene: &Scene<'_>, object: &str) -> bool {
    facts(scene, object).is_some()
}

/// Whether `kind/name` is known not to exist.
pub(crate) fn is_absent(scene: &Scene<'_>, object: &str) -> bool {
    known(scene, object)
        .1
        .is_ok_and(|objects| named(objects, name(object)).is_none())
}

/// That the API server does not have it, when it could be asked.
pub(crate) fn evidence(scene: &Scene<'_>, object: &str) -> Option<Evidence> {
    let (source, _) = known(scene, object);
    is_absent(scene, object).then(|| scene.field(source, object, "metadata.name", "not found"))
}

/// An object of the same kind whose name differs by a letter or two.
pub(crate) fn nearest<'a>(scene: &Scene<'a>, object: &str) -> Option<&'a str> {
    let objects = known(scene, object).1.ok()?;
    let near = objects
        .iter()
        .map(|it| (distance(&it.metadata.name, name(object)), it.metadata.name.as_str()));
    near.filter(|(distance, _)| (1..=2).contains(distance))
        .min()
        .map(|(_, name)| name)
}

/// The command that makes it.
pub(crate) fn creation(scene: &Scene<'_>, object: &str) -> String {
    let (kind, name, namespace) = (
        if object.starts_with("secret/") {
            "secret generic"
        } else {
            "configmap"
        },
        name(object),
        scene.namespace(),
    );
    format!("kubectl create {kind} {name} --from-literal=KEY=VALUE -n {namespace}")
}
