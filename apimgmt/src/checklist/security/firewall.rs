//! Only the declared ports are exposed, and the ways out that nobody declared are closed; see `checklist/edges.rs` for the
//! values of a probe's result.

use std::collections::BTreeSet;

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, edges::Outcomes},
    edges::{Edges, Purpose},
    snapshot::{Snapshot, Source, Specified, Unreadable, services::Service},
    values::ExpectedExposure,
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/firewall",
    title: "Only the declared ports are exposed",
    stage: Stage::Pre,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "An open path that nobody declared is one that nobody guards.",
    fix: "Close the path that is named, or declare it in `checklist.exposure`.",
    reads: &[
        Source::Services,
        Source::Pods,
        Source::Deployments,
        Source::StatefulSets,
        Source::DaemonSets,
        Source::Jobs,
        Source::CronJobs,
        Source::Ingresses,
        Source::Probes,
        Source::Expectations,
    ],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let expected = &snapshot.expectations()?.exposure;
    if let Some(services) = row.read(snapshot.services()) {
        for service in services {
            exposed(&mut row, service, expected);
        }
        for declared in &expected.services {
            if !services.iter().any(|service| service.metadata.name == declared.name) {
                row.note(format!(
                    "service/{} is declared to be exposed and not there",
                    declared.name
                ));
            }
        }
    }
    if let Some(specified) = row.read(snapshot.pod_specs()) {
        on_nodes(&mut row, &specified, expected);
    }
    if let Some(edges) = row.read(Edges::of(snapshot)) {
        let outcomes = Outcomes::of(&mut row, snapshot, ITEM.id);
        let closed: Vec<_> = edges.with(Purpose::Egress).collect();
        if closed.is_empty() {
            row.unseen("nothing plays application, database or cache here, so no way out was tried");
        }
        for edge in closed {
            outcomes.closed(&mut row, edge);
        }
    }
    Ok(row.verdict("nothing is exposed that is not declared, and no way out is open that is not"))
}

/// A service leaves the cluster only as declared: by its type, to its source ranges.
fn exposed(row: &mut Clauses<'_>, service: &Service, expected: &ExpectedExposure) {
    let object = format!("service/{}", service.metadata.name);
    let spec = &service.spec;
    let kind = if spec.kind.is_empty() { "ClusterIP" } else { &spec.kind };
    row.stable(Source::Services, &object, "spec.type", kind);
    if !spec.external_ips.is_empty() {
        let addresses = spec.external_ips.join(", ");
        row.breach(format!("{object} is exposed at the external addresses {addresses}"));
    }
    if !["NodePort", "LoadBalancer"].contains(&kind) {
        return;
    }
    let Some(declared) = expected.services.iter().find(|one| one.name == service.metadata.name) else {
        let ports: Vec<_> = spec.ports.iter().map(|port| port.node_port.to_string()).collect();
        row.breach(format!(
            "{object} is a {kind} (node ports {}), which `checklist.exposure.services` does not declare",
            ports.join(", ")
        ));
        return;
    };
    if declared.kind != kind {
        row.breach(format!("{object} is a {kind}, declared is a {}", declared.kind));
    }
    let wanted: BTreeSet<&String> = declared.source_ranges.iter().collect();
    let open: BTreeSet<&String> = spec.load_balancer_source_ranges.iter().collect();
    let words = |ranges: &BTreeSet<&String>| {
        let ranges: Vec<_> = ranges.iter().map(|range| range.as_str()).collect();
        if ranges.is_empty() {
            "everybody".to_owned()
        } else {
            ranges.join(", ")
        }
    };
    row.stable(Source::Services, &object, "spec.loadBalancerSourceRanges", words(&open));
    if wanted != open {
        row.breach(format!(
            "{object} is open to {}, declared is {}",
            words(&open),
            words(&wanted)
        ));
    }
}

/// Ports that pods take on their nodes are past every Service and most policies.
fn on_nodes(row: &mut Clauses<'_>, specified: &[Specified<'_>], expected: &ExpectedExposure) {
    let mut taken = BTreeSet::new();
    for one in specified {
        if one.spec.host_network {
            row.breach(format!("{} uses its node's network", one.object));
        }
        let containers = one.spec.init_containers.iter().chain(&one.spec.containers);
        for port in containers.flat_map(|container| &container.ports) {
            if port.host_port == 0 {
                continue;
            }
            taken.insert(port.host_port);
            if !expected.host_ports.contains(&port.host_port) {
                row.breach(format!("{} takes port {} of its node", one.object, port.host_port));
            }
        }
    }
    let taken: Vec<_> = taken.iter().map(u16::to_string).collect();
    let taken = if taken.is_empty() {
        "none".into()
    } else {
        taken.join(", ")
    };
    row.stable(Source::Pods, "pods and templates", "hostPort", taken);
}
