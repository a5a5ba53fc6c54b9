//! A service's port leads somewhere.

use super::{Broken, Facts, Rule, Weight};
use crate::snapshot::{LabelSelector, Port, services::Service};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "service-ports-declared",
    title: "A port that a service names is declared by its pods",
    severity: Weight::Refuse,
    why: "The service has no endpoint on that port: who calls it is refused.",
    fix: "Give a container's port that name, or set `targetPort` to a number.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let services = facts.all::<Service>("Service");
    services.iter().flat_map(|service| judged(facts, service)).collect()
}

fn judged(facts: &Facts, service: &Service) -> Vec<Broken> {
    let selector = LabelSelector {
        match_labels: service.spec.selector.clone(),
        ..LabelSelector::default()
    };
    let pods = facts
        .workloads
        .iter()
        .filter(|workload| !workload.is_hook && selector.matches(&workload.template.metadata.labels));
    let pods: Vec<_> = pods.collect();
    if pods.is_empty() || selector.match_labels.is_empty() {
        return Vec::new();
    }
    let named = service.spec.ports.iter().filter_map(|port| match &port.target_port {
        Some(Port::Name(name)) => Some(name),
        _ => None,
    });
    let missing = named.filter(|name| {
        !pods
            .iter()
            .flat_map(|workload| workload.containers())
            .any(|container| container.ports.iter().any(|port| port.name == **name))
    });
    missing
        .map(|name| {
            let text = format!(
                "targetPort `{name}` is declared by no container of {}",
                pods[0].object()
            );
            Broken::new(format!("service/{}", service.metadata.name), text)
        })
        .collect()
}
