//! Behind a service there are pods.

use super::{Broken, Facts, Rule, Weight};
use crate::snapshot::{LabelSelector, services::Service};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "service-selects-pods",
    title: "A service selects pods of the release",
    severity: Weight::Warn,
    why: "Who calls the service reaches nobody, unless something else makes such pods.",
    fix: "Make the service's selector a part of the pods' labels.",
    judge,
};

/// Groups of Kubernetes itself, and kinds of others that make no pods. Of every other kind an operator may make some.
const PODLESS: [&str; 8] = [
    "ServiceMonitor",
    "PodMonitor",
    "PrometheusRule",
    "Probe",
    "Certificate",
    "Issuer",
    "HTTPRoute",
    "CustomResourceDefinition",
];

fn judge(facts: &Facts) -> Vec<Broken> {
    let is_own = |version: &str| {
        let group = version.split_once('/').map_or("", |(group, _)| group);
        !group.contains('.') || group.ends_with(".k8s.io")
    };
    if facts
        .versions()
        .any(|(version, kind)| !is_own(version) && !PODLESS.contains(&kind))
    {
        return Vec::new();
    }
    let services = facts.all::<Service>("Service").into_iter().filter(|service| {
        let selector = LabelSelector {
            match_labels: service.spec.selector.clone(),
            ..LabelSelector::default()
        };
        service.spec.kind != "ExternalName"
            && !selector.match_labels.is_empty()
            && !facts
                .workloads
                .iter()
                .any(|workload| selector.matches(&workload.template.metadata.labels))
    });
    services
        .map(|service| {
            Broken::new(
                format!("service/{}", service.metadata.name),
                "selects no pod of the release",
            )
        })
        .collect()
}
