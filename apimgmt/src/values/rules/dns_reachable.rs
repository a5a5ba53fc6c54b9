//! Pods that may call others by name may ask for names.

use super::{Broken, Facts, Rule, Weight};
use crate::snapshot::{
    Port,
    network_policies::{EgressPermission, NetworkPolicy},
};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "dns-reachable",
    title: "Pods whose connections are limited may still ask for names",
    severity: Weight::Warn,
    why: "Every call by name fails, though its connection is permitted.",
    fix: "Permit egress to port 53 (UDP and TCP) of the cluster's DNS.",
    judge,
};

fn judge(facts: &Facts) -> Vec<Broken> {
    let policies = facts.all::<NetworkPolicy>("NetworkPolicy");
    let limits = |policy: &&NetworkPolicy| {
        let types = &policy.spec.policy_types;
        types.iter().any(|kind| kind == "Egress") || (types.is_empty() && !policy.spec.egress.is_empty())
    };
    let limiting: Vec<_> = policies.iter().filter(limits).collect();
    let workloads = facts.workloads.iter().filter(|workload| {
        let labels = &workload.template.metadata.labels;
        let permitted: Vec<_> = limiting
            .iter()
            .filter(|policy| policy.spec.pod_selector.matches(labels))
            .flat_map(|policy| &policy.spec.egress)
            .collect();
        // Pods that may call nobody, or only addresses, may have no names to ask for.
        permitted.iter().any(|rule| calls_by_name(rule)) && !permitted.iter().any(|rule| permits_dns(rule))
    });
    workloads
        .map(|workload| {
            Broken::new(
                workload.object(),
                "its policies permit calls of others, and none of port 53",
            )
        })
        .collect()
}

fn calls_by_name(rule: &EgressPermission) -> bool {
    rule.to.is_empty() || rule.to.iter().any(|peer| peer.ip_block.is_none())
}

fn permits_dns(rule: &EgressPermission) -> bool {
    rule.ports.is_empty()
        || rule.ports.iter().any(|port| match (&port.port, port.end_port) {
            (None, _) => true,
            (Some(Port::Number(first)), last) => (*first..=last.unwrap_or(*first)).contains(&53),
            // The cluster's DNS calls its ports so.
            (Some(Port::Name(name)), _) => name.starts_with("dns"),
        })
}
