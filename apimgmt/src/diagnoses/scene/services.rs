//! Services and what stands behind them: the pods they select and how many endpoints take traffic.

use std::collections::{BTreeMap, HashMap};

use super::Scene;
use crate::{
    checklist::Evidence,
    snapshot::{Labels, Pod, Source, Unreadable, services::Service},
};

/// A service and the pods behind it.
pub(crate) struct Backing<'a> {
    /// The service.
    pub(crate) service: &'a Service,
    /// Pods that it selects and that are neither done nor going, by name.
    pub(crate) pods: Vec<&'a Pod>,
    /// Endpoints that take traffic.
    pub(crate) ready: usize,
}

impl<'a> Backing<'a> {
    /// Its name.
    pub(crate) fn name(&self) -> &'a str {
        &self.service.metadata.name
    }

    /// `service/NAME`.
    pub(crate) fn object(&self) -> String {
        format!("service/{}", self.service.metadata.name)
    }

    /// Whether nothing behind it takes traffic. A name that stands for another host has nothing behind it here.
    pub(crate) fn is_down(&self) -> bool {
        self.ready == 0 && self.service.spec.kind != "ExternalName"
    }
}

impl<'a> Scene<'a> {
    /// Services by name.
    pub(crate) fn backings(&self) -> Result<&BTreeMap<&'a str, Backing<'a>>, Unreadable> {
        let services = self.snapshot.services()?;
        let pods = self.pods()?;
        let slices = self.snapshot.endpoint_slices().ok();
        Ok(self.backings.get_or_init(|| {
            let by_label = index_by_label(pods);
            let endpoints = ready_endpoints(slices.into_iter().flatten());
            let backing = |service: &'a Service| {
                let selected = selected(&service.spec.selector, &by_label);
                let ready_pods = selected.iter().filter(|pod| pod.is_ready()).count();
                let ready = match endpoints.get(service.metadata.name.as_str()) {
                    // An address may be published before its pod is ready: only ready pods take traffic.
                    Some(ready) if !service.spec.selector.is_empty() => (*ready).min(ready_pods),
                    Some(ready) => *ready,
                    None => ready_pods,
                };
                (
                    service.metadata.name.as_str(),
                    Backing {
                        service,
                        pods: selected,
                        ready,
                    },
                )
            };
            services.iter().map(backing).collect()
        }))
    }

    /// How many endpoints of a service take traffic, where that could be read.
    pub(crate) fn endpoints_evidence(&self, backing: &Backing<'_>) -> Option<Evidence> {
        let could_read = self.snapshot.endpoint_slices().is_ok();
        could_read.then(|| {
            let ready = backing.ready;
            Evidence::moving(
                self.snapshot,
                Source::EndpointSlices,
                backing.object(),
                "ready endpoints",
                ready,
            )
        })
    }

    /// The service that a host name or an address means, seen from this namespace.
    pub(crate) fn service_at(&self, host: &str) -> Option<&Backing<'a>> {
        let backings = self.backings().ok()?;
        let namespace = self.snapshot.namespace.as_str();
        let labels: Vec<&str> = host.trim_end_matches('.').split('.').collect();
        let here = |rest: &[&str]| {
            rest.first().is_none_or(|first| *first == namespace) && rest.get(1).is_none_or(|second| *second == "svc")
        };
        match labels.as_slice() {
            [name, rest @ ..] if here(rest) && backings.contains_key(*name) => backings.get(*name),
            // One pod of a stateful set, by its own name.
            [pod, name, rest @ ..] if here(rest) && pod.starts_with(name) => backings.get(*name),
            _ => backings
                .values()
                .find(|backing| backing.service.spec.cluster_ip == host && host.contains(['.', ':'])),
        }
    }

    /// The service here whose namesake in another namespace a host name means.
    pub(crate) fn namesake(&self, host: &str) -> Option<&'a str> {
        let mut labels = host.trim_end_matches('.').split('.');
        let (name, namespace) = (labels.next()?, labels.next()?);
        let is_inside = labels.next().is_none_or(|third| third == "svc");
        let backings = self.backings().ok()?;
        let (own, _) = backings.get_key_value(name)?;
        (is_inside && namespace != self.namespace() && self.service_at(host).is_none()).then_some(own)
    }

    /// The services that select a pod.
    pub(crate) fn services_of(&self, pod: &Pod) -> impl Iterator<Item = &Backing<'a>> {
        let backings = self.backings().ok();
        let index = self.services_by_pod.get_or_init(|| {
            let mut index: HashMap<&'a str, Vec<&'a str>> = HashMap::new();
            for (service, backing) in backings.into_iter().flatten() {
                for pod in &backing.pods {
                    index.entry(&pod.metadata.name).or_default().push(service);
                }
            }
            index
        });
        let names = index.get(pod.metadata.name.as_str()).into_iter().flatten();
        names.filter_map(move |name| backings?.get(name))
    }
}

/// Whether a service's selector selects these labels; an empty one selects nothing.
pub(crate) fn selects(selector: &Labels, labels: &Labels) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
}

/// Pods by label key, then by its value.
type ByLabel<'a> = HashMap<&'a str, HashMap<&'a str, Vec<&'a Pod>>>;

fn index_by_label<'a>(pods: &[&'a Pod]) -> ByLabel<'a> {
    let mut index: ByLabel<'a> = HashMap::new();
    let lasting = |pod: &&&Pod| pod.metadata.deletion_timestamp.is_none() && !pod.has_ended();
    for pod in pods.iter().filter(lasting) {
        for (key, value) in &pod.metadata.labels {
            index.entry(key).or_default().entry(value).or_default().push(pod);
        }
    }
    index
}

/// The pods that a selector selects: those of its rarest label that also have the others.
fn selected<'a>(selector: &Labels, index: &ByLabel<'a>) -> Vec<&'a Pod> {
    let of_label =
        |(key, value): (&String, &String)| index.get(key.as_str()).and_then(|values| values.get(value.as_str()));
    // A label that no pod has makes the whole selector select nothing.
    let lists: Option<Vec<_>> = selector.iter().map(of_label).collect();
    let rarest = lists.into_iter().flatten().min_by_key(|pods| pods.len());
    rarest
        .into_iter()
        .flatten()
        .copied()
        .filter(|pod| selects(selector, &pod.metadata.labels))
        .collect()
}

fn ready_endpoints<'a>(
    slices: impl Iterator<Item = &'a crate::snapshot::services::EndpointSlice>,
) -> HashMap<&'a str, usize> {
    let mut ready = HashMap::new();
    for slice in slices {
        let Some(service) = slice.metadata.label("kubernetes.io/service-name") else {
            continue;
        };
        let taking = slice
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.conditions.ready != Some(false))
            .count();
        *ready.entry(service).or_insert(0) += taking;
    }
    ready
}
