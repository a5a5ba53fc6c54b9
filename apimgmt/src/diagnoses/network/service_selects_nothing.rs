//! The selector of a service selects no pod that is or could be there.

use std::collections::BTreeMap;

use crate::{
    diagnoses::{
        Diagnosis, Directness, Finding, Topic, Weight,
        scene::{Backing, Scene, clean, distance, list, selects},
    },
    snapshot::{Labels, Source, Unreadable},
};

pub(in crate::diagnoses) const DIAGNOSIS: Diagnosis = Diagnosis {
    id: "service-selects-nothing",
    topic: Topic::Network,
    symptom: "A service has no endpoints",
    cause: "No pod has the labels that the service selects",
    reads: &[
        Source::Pods,
        Source::ReplicaSets,
        Source::Jobs,
        Source::Services,
        Source::EndpointSlices,
        Source::Deployments,
        Source::StatefulSets,
        Source::Ingresses,
        Source::Secrets,
        Source::ConfigMaps,
        Source::Logs,
    ],
    look,
};

/// A workload whose labels come nearest to a selector.
struct Near<'a> {
    workload: String,
    labels: &'a Labels,
}

impl Near<'_> {
    /// How many pairs of a selector the labels meet, and by how many letters they miss the others.
    fn distance(&self, selector: &Labels) -> (usize, usize) {
        let common = selector
            .iter()
            .filter(|(key, value)| self.labels.get(*key) == Some(*value));
        let letters =
            |(key, value): (&String, &String)| self.labels.get(key).map_or(value.len(), |own| distance(value, own));
        (common.count(), selector.iter().map(letters).sum())
    }

    /// Whether a service means this workload beyond doubt: by its own name, or but for a typing error.
    fn is_meant(&self, selector: &Labels, service: &str) -> bool {
        let length: usize = selector.values().map(String::len).sum();
        let (_, name) = self.workload.split_once('/').unwrap_or_default();
        service.starts_with(name) || self.distance(selector).1 * 3 <= length
    }
}

fn look(scene: &Scene<'_>) -> Result<Vec<Finding>, Unreadable> {
    let backings = scene.backings()?;
    let candidates = candidates(scene)?;
    scene.ask_dependencies();
    let ingresses = scene.snapshot.ingresses().map(Vec::as_slice).unwrap_or_default();
    let routed = |name: &str| {
        ingresses
            .iter()
            .flat_map(|it| &it.spec.rules)
            .flat_map(|rule| &rule.http.paths)
            .any(|path| path.backend.service.name == name)
    };
    let mine = backings.values().filter(|backing| {
        let selector = &backing.service.spec.selector;
        // Pods that a workload would have are not missing for the selector's sake: they are scaled away or refused.
        !selector.is_empty()
            && backing.pods.is_empty()
            && backing.is_down()
            && !candidates.iter().any(|near| selects(selector, near.labels))
    });
    let findings = mine.filter_map(|backing| {
        let near = nearest(
            &candidates,
            &backing.service.spec.selector,
            &backing.service.metadata.name,
        );
        let dependents = scene.dependents(&backing.service.metadata.name);
        let used = !dependents.is_empty() || routed(&backing.service.metadata.name);
        // Nobody uses it and nothing resembles it: a service of a part that is not deployed.
        let name = &backing.service.metadata.name;
        let is_meant = near.is_some_and(|near| near.is_meant(&backing.service.spec.selector, name));
        let weight = if used || is_meant {
            Weight::Critical
        } else {
            Weight::Warning
        };
        (used || near.is_some()).then(|| finding(scene, backing, near).weighing(weight))
    });
    Ok(findings.collect())
}

fn finding<'a>(scene: &Scene<'a>, backing: &Backing<'a>, near: Option<&Near<'a>>) -> Finding {
    let selector = &backing.service.spec.selector;
    let wanted = list(&written(selector));
    let object = backing.object();
    let mut finding = Finding::new(
        DIAGNOSIS.id,
        &object,
        match near {
            Some(near) => {
                let (asked, have) = difference(selector, near.labels);
                format!(
                    "{object} selects {asked}, which no pod has; the pods of {} have {have}",
                    near.workload
                )
            }
            None => format!("{object} selects {wanted}, and neither a pod nor a workload has these labels"),
        },
    )
    .shown(Directness::Compared)
    .because([scene.field(Source::Services, &object, "spec.selector", &wanted)])
    .because(scene.endpoints_evidence(backing));
    if let Some(near) = near {
        let right: Labels = selector
            .keys()
            .filter_map(|key| Some((key.clone(), near.labels.get(key)?.clone())))
            .collect();
        let lacking: Vec<String> = selector
            .keys()
            .filter(|key| !near.labels.contains_key(*key))
            .map(|key| format!("\"{key}\":null"))
            .collect();
        let kept = right.iter().map(|(key, value)| format!("\"{key}\":\"{value}\""));
        let patch = kept.chain(lacking).collect::<Vec<_>>().join(",");
        finding = finding
            .because([scene.field(
                Source::Pods,
                &near.workload,
                "labels of its pods",
                list(&written(near.labels)),
            )])
            .not("the pods are not ready", "not one pod is selected, ready or not")
            .mend(format!(
                "kubectl patch {object} -n {} --type=merge -p '{{\"spec\":{{\"selector\":{{{patch}}}}}}}'",
                scene.namespace()
            ));
    }
    finding.mend(format!("kubectl get pods -n {} --show-labels", scene.namespace()))
}

fn written(labels: &Labels) -> Vec<String> {
    labels
        .iter()
        .map(|(key, value)| clean(&format!("{key}={value}")))
        .collect()
}

/// The pairs of a selector that labels do not meet, and what the labels have instead.
fn difference(selector: &Labels, labels: &Labels) -> (String, String) {
    let missed: Vec<_> = selector
        .iter()
        .filter(|(key, value)| labels.get(*key) != Some(*value))
        .collect();
    let asked: Vec<String> = missed
        .iter()
        .map(|(key, value)| clean(&format!("{key}={value}")))
        .collect();
    let have = missed.iter().map(|(key, _)| match labels.get(*key) {
        Some(value) => clean(&format!("{key}={value}")),
        None => format!("no label {key}"),
    });
    (list(&asked), list(&have.collect::<Vec<_>>()))
}

/// The labels that pods of each workload have; of a workload without pods, those that they would have.
fn candidates<'a>(scene: &Scene<'a>) -> Result<Vec<Near<'a>>, Unreadable> {
    let templates = scene.workloads().into_iter();
    let mut labels: BTreeMap<String, &'a Labels> =
        templates.map(|it| (it.object, &*it.template.metadata.labels)).collect();
    for pod in scene.current()?.iter().copied() {
        labels.entry(scene.workload(pod)).or_insert(&pod.metadata.labels);
    }
    Ok(labels
        .into_iter()
        .map(|(workload, labels)| Near { workload, labels })
        .collect())
}

/// The workload that a selector most likely means: most pairs in common, then the values that differ least.
fn nearest<'c, 'a>(candidates: &'c [Near<'a>], selector: &Labels, service: &str) -> Option<&'c Near<'a>> {
    let score = |near: &Near<'_>| {
        let ((common, apart), is_meant) = (near.distance(selector), near.is_meant(selector, service));
        // Something must point to it: a pair in common, a value a few letters away, or the service's own name.
        (common > 0 || is_meant).then_some((std::cmp::Reverse(common), !is_meant, apart))
    };
    let scored = candidates.iter().filter_map(|near| Some((score(near)?, near)));
    scored
        .min_by(|left, right| {
            left.0
                .cmp(&right.0)
                .then_with(|| left.1.workload.cmp(&right.1.workload))
        })
        .map(|(_, near)| near)
}
