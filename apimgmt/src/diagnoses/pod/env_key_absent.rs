//! The Secret or ConfigMap exists, but not the key that a variable names.

use crate::{
    diagnoses::{
        Diagnosis, Finding, Topic,
        scene::{Group, Scene, absence, after, clean, distance, list, per_workload},
    },
    snapshot::{Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "env-key-absent",
    topic: Topic::Pod,
    symptom: "Pods stay in CreateContainerConfigError",
    cause: "The Secret or ConfigMap has no key of the name that a variable asks for",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Secrets,
        Source::ConfigMaps,
    ],
    look,
};

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let waiting = scene.waiting(&["CreateContainerConfigError"])?;
    let seen = waiting.filter_map(|(sighting, waiting)| Some((absent_key(&waiting.message)?, sighting)));
    // A key that is there now was added a moment ago: the kubelet has not tried again yet.
    let is_absent =
        |(object, key): &(String, String)| absence::facts(scene, object).is_none_or(|it| !it.facts.contains_key(key));
    let seen: Vec<_> = seen
        .filter(|(key, _)| is_absent(key))
        .map(|((object, key), sighting)| (format!("{object} {key}"), sighting))
        .collect();
    Ok(per_workload(scene, seen)
        .into_iter()
        .map(|group| finding(scene, &group))
        .collect())
}

fn finding<'a>(scene: &Scene<'a>, group: &Group<'a>) -> Finding {
    let (object, key) = group.key.split_once(' ').unwrap_or((&group.key, ""));
    let (kind, name) = object.split_once('/').unwrap_or(("secret", object));
    let keys: Vec<String> = absence::facts(scene, object)
        .into_iter()
        .flat_map(|it| it.facts.keys().cloned())
        .collect();
    let near = keys.iter().min_by_key(|it| {
        (
            distance(&it.to_ascii_lowercase(), &key.to_ascii_lowercase()),
            (*it).clone(),
        )
    });
    let source = if kind == "secret" {
        Source::Secrets
    } else {
        Source::ConfigMaps
    };
    let mut finding = Finding::new(
        DIAGNOSIS.id,
        clean(object),
        format!(
            "the {} `{name}` has no key `{}`, which {} takes a variable from",
            absence::kind_name(kind),
            clean(key),
            group.workload
        ),
    )
    .explaining(group.pods())
    .because(group.waits(scene))
    .not("the object does not exist", format!("{object} is there"));
    if !keys.is_empty() {
        finding = finding.because([scene.field(source, clean(object), "keys", list(&keys))]);
    }
    if let Some(near) = near {
        finding = finding
            .mend(format!("kubectl edit {} -n {}", group.workload, scene.namespace()))
            .mend(format!(
                "Name the key `{near}` there if that is what was meant; the keys are {}",
                list(&keys)
            ));
    }
    finding.mend(match kind {
        "secret" => format!(
            "kubectl patch {} -n {} --type=merge -p '{{\"stringData\":{{\"{}\":\"VALUE\"}}}}'",
            clean(object),
            scene.namespace(),
            clean(key)
        ),
        _ => format!(
            "kubectl patch {} -n {} --type=merge -p '{{\"data\":{{\"{}\":\"VALUE\"}}}}'",
            clean(object),
            scene.namespace(),
            clean(key)
        ),
    })
}

/// `couldn't find key URL in Secret shop/login`.
fn absent_key(message: &str) -> Option<(String, String)> {
    let key = after(message, "couldn't find key ")?;
    let of_kind = |mark: &str, kind: &str| {
        let place = after(message, mark)?;
        Some(format!(
            "{kind}/{}",
            place.split_once('/').map_or(place, |(_, name)| name)
        ))
    };
    let object = of_kind("in Secret ", "secret").or_else(|| of_kind("in ConfigMap ", "configmap"))?;
    Some((object, key.to_owned()))
}
