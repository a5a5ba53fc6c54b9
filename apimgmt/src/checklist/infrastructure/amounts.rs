//! What pods take and nodes have, by resource.

use std::collections::BTreeMap;

use crate::snapshot::{PodSpec, Quantity, pods::Container, strangers::Stranger};

/// Amounts by resource, in thousandths.
#[derive(Clone, Default)]
pub(super) struct Amounts<'a>(Vec<(&'a str, i128)>);

impl<'a> Amounts<'a> {
    /// The amount of a resource.
    pub(super) fn get(&self, resource: &str) -> i128 {
        let found = self.0.iter().find(|(name, _)| *name == resource);
        found.map_or(0, |(_, amount)| *amount)
    }

    /// Each resource with its amount.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'a str, i128)> {
        self.0.iter().copied()
    }

    /// Takes away, also below nothing.
    pub(super) fn subtract(&mut self, less: &Self) {
        for (resource, amount) in less.iter() {
            *self.slot(resource) -= amount;
        }
    }

    fn slot(&mut self, resource: &'a str) -> &mut i128 {
        let index = self.0.iter().position(|(name, _)| *name == resource);
        let index = index.unwrap_or_else(|| {
            self.0.push((resource, 0));
            self.0.len() - 1
        });
        &mut self.0[index].1
    }

    fn add(&mut self, more: &Self) {
        for (resource, amount) in more.iter() {
            *self.slot(resource) += amount;
        }
    }

    fn raise(&mut self, other: &Self) {
        for (resource, amount) in other.iter() {
            let slot = self.slot(resource);
            *slot = (*slot).max(amount);
        }
    }
}

impl<'a> FromIterator<(&'a str, i128)> for Amounts<'a> {
    fn from_iter<T: IntoIterator<Item = (&'a str, i128)>>(amounts: T) -> Self {
        Self(amounts.into_iter().collect())
    }
}

/// What a pod reserves: its containers and sidecars together, or the largest step of its initialisation, and the
/// overhead of its sandbox. `defaults` are the namespace's default requests.
pub(super) fn requests<'a>(spec: &'a PodSpec, defaults: &'a BTreeMap<String, Quantity>) -> Amounts<'a> {
    let mut sidecars = Amounts::default();
    let mut peak = Amounts::default();
    for container in &spec.init_containers {
        let mut step = of_container(container, defaults);
        if container.restart_policy.as_deref() == Some("Always") {
            sidecars.add(&step);
        } else {
            step.add(&sidecars);
            peak.raise(&step);
        }
    }
    let mut total = sidecars;
    for container in &spec.containers {
        total.add(&of_container(container, defaults));
    }
    total.raise(&peak);
    for (resource, quantity) in &spec.overhead {
        *total.slot(resource) += quantity.milli().unwrap_or_default().max(0);
    }
    *total.slot("pods") = 1000;
    total
}

/// What a pod of another namespace reserves.
pub(super) fn reserved(stranger: &Stranger) -> Amounts<'_> {
    let stated = stranger.reserved.iter();
    let stated = stated.map(|(resource, quantity)| (resource.as_str(), quantity.milli().unwrap_or_default().max(0)));
    stated.chain([("pods", 1000)]).collect()
}

/// The stated request, else the limit, else the namespace's default.
fn of_container<'a>(container: &'a Container, defaults: &'a BTreeMap<String, Quantity>) -> Amounts<'a> {
    let mut amounts = Amounts::default();
    let stated = &container.resources;
    for (resource, quantity) in stated.requests.iter().chain(&stated.limits).chain(defaults) {
        if let (Some(milli), false) = (quantity.milli(), amounts.0.iter().any(|(name, _)| name == resource)) {
            *amounts.slot(resource) = milli.max(0);
        }
    }
    amounts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_reserves_its_sum_or_its_largest_first_step() {
        let spec: PodSpec = serde_yaml::from_str(
            "overhead: {memory: 10Mi}\n\
             initContainers:\n\
             - {name: proxy, restartPolicy: Always, resources: {requests: {memory: 20Mi}}}\n\
             - {name: migrate, resources: {requests: {memory: 300Mi}}}\n\
             containers:\n\
             - {name: app, resources: {limits: {memory: 100Mi}}}\n\
             - {name: bare}",
        )
        .unwrap();
        let none = BTreeMap::new();
        let defaults = BTreeMap::from([("memory".to_owned(), Quantity("50Mi".into()))]);
        let large = BTreeMap::from([("memory".to_owned(), Quantity("400Mi".into()))]);
        let mebibytes = |defaults| requests(&spec, defaults).get("memory") / (1000 * 1_048_576);
        assert_eq!(mebibytes(&none), 330);
        assert_eq!(mebibytes(&defaults), 330);
        assert_eq!(mebibytes(&large), 530, "the default of the bare container counts");
    }
}
