//! How far a cause reaches: from its pods to the services they were to serve, and to whoever depends on those.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    diagnoses::{
        Finding, Symptom,
        scene::{Backing, Scene, selects, trouble},
    },
    snapshot::Pod,
};

/// Pods of one workload that are told one by one; more are counted.
const TOLD: usize = 5;

/// The objects that a finding's cause reaches, `kind/name`.
#[derive(Default)]
pub(super) struct Reach {
    objects: BTreeSet<String>,
    services: BTreeSet<String>,
}

impl Reach {
    /// Follows a finding along ownership and dependency.
    pub(super) fn of(scene: &Scene<'_>, finding: &Finding) -> Self {
        let mut reach = Self::default();
        let mut waiting: Vec<String> = finding
            .explains
            .iter()
            .cloned()
            .chain([finding.object.clone()])
            .collect();
        while let Some(object) = waiting.pop() {
            if !reach.objects.insert(object.clone()) {
                continue;
            }
            match object.split_once('/') {
                Some(("pod", name)) => {
                    if let Some(pod) = pod_of(scene, name) {
                        let down = scene.services_of(pod).filter(|backing| backing.is_down());
                        waiting.extend(down.map(Backing::object));
                        waiting.push(scene.workload(pod));
                    }
                }
                Some(("service", name)) => {
                    reach.services.insert(name.to_owned());
                    let unready = scene.dependents(name).iter().filter(|pod| !pod.is_ready());
                    waiting.extend(unready.map(|pod| pod.object()));
                }
                Some(("deployment" | "statefulset", _)) => waiting.extend(empty_services(scene, &object)),
                _ => {}
            }
        }
        reach
    }

    /// Whether the cause reaches an object.
    pub(super) fn holds(&self, object: &str) -> bool {
        self.objects.contains(object)
    }

    /// Everything that the cause reaches.
    pub(super) fn into_objects(self) -> BTreeSet<String> {
        self.objects
    }

    /// What is seen of everything that the cause reaches, without pods that have a cause of `own`.
    pub(super) fn symptoms(&self, scene: &Scene<'_>, finding: &Finding, own: &BTreeSet<String>) -> Vec<Symptom> {
        let mut symptoms = self.pods(scene, finding, own);
        for workload in scene.workloads() {
            if self.objects.contains(&workload.object) {
                symptoms.extend(workload.trouble().map(|text| Symptom {
                    object: workload.object.clone(),
                    text,
                }));
            }
        }
        for name in &self.services {
            let text = "no ready endpoints".to_owned();
            symptoms.push(Symptom {
                object: format!("service/{name}"),
                text,
            });
        }
        for ingress in scene.snapshot.ingresses().into_iter().flatten() {
            let paths = ingress.spec.rules.iter().flat_map(|rule| &rule.http.paths);
            let down = paths
                .map(|path| &path.backend.service.name)
                .find(|name| self.services.contains(*name));
            symptoms.extend(down.map(|name| Symptom {
                object: format!("ingress/{}", ingress.metadata.name),
                text: format!("routes to service/{name}, which has no ready endpoints"),
            }));
        }
        // A pod or service at fault is no symptom of itself; what a workload at fault lacks is worth telling.
        let is_itself = |symptom: &Symptom| {
            symptom.object == finding.object
                && finding
                    .object
                    .split('/')
                    .next()
                    .is_some_and(|kind| kind == "pod" || kind == "service")
        };
        symptoms.retain(|symptom| !is_itself(symptom));
        symptoms
    }

    fn pods(&self, scene: &Scene<'_>, finding: &Finding, own: &BTreeSet<String>) -> Vec<Symptom> {
        let mut by_workload: BTreeMap<String, Vec<(&Pod, String)>> = BTreeMap::new();
        let others = |object: &&String| {
            !own.contains(*object) || finding.explains.contains(object) || **object == finding.object
        };
        let names = self
            .objects
            .iter()
            .filter(others)
            .filter_map(|object| object.strip_prefix("pod/"));
        for pod in names.filter_map(|name| pod_of(scene, name)) {
            let seen = trouble(pod, scene.now()).or_else(|| (!pod.is_ready()).then(|| "not ready".into()));
            if let Some(text) = seen {
                by_workload.entry(scene.workload(pod)).or_default().push((pod, text));
            }
        }
        let mut symptoms = Vec::new();
        for (workload, pods) in by_workload {
            let told = pods.iter().take(TOLD);
            symptoms.extend(told.map(|(pod, text)| Symptom {
                object: pod.object(),
                text: text.clone(),
            }));
            if pods.len() > TOLD {
                let text = format!("{} more of its pods likewise", pods.len() - TOLD);
                symptoms.push(Symptom { object: workload, text });
            }
        }
        symptoms
    }
}

fn pod_of<'a>(scene: &Scene<'a>, name: &str) -> Option<&'a Pod> {
    let pods = scene.pods().ok()?;
    let index = pods.binary_search_by(|pod| pod.metadata.name.as_str().cmp(name)).ok()?;
    Some(pods[index])
}

/// Services that select the pods that a workload would have, and that have none ready.
fn empty_services(scene: &Scene<'_>, workload: &str) -> Vec<String> {
    let Some(workload) = scene.workloads().into_iter().find(|it| it.object == workload) else {
        return Vec::new();
    };
    let backings = scene.backings().into_iter().flat_map(BTreeMap::values);
    let selecting = backings.filter(|backing| {
        backing.is_down() && selects(&backing.service.spec.selector, &workload.template.metadata.labels)
    });
    selecting.map(Backing::object).collect()
}
