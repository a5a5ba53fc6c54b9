//! Every public host resolves to the load balancer, from each declared vantage point.
//!
//! From inside the cluster a probe tells: its values are named after the edges that it tried, `outside -> name HOST`, and
//! say `open ADDRESS,…` or `closed name: WHY`.

use std::collections::BTreeSet;

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, edges::Outcomes},
    edges::{Stand, Target},
    snapshot::{
        Snapshot, Source, Unreadable,
        services::{Ingress, Service},
        sessions::Resolution,
    },
};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/dns",
    title: "Every public host resolves to the load balancer",
    stage: Stage::Pre,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "Users follow the name, not the address.",
    fix: "Correct the record of the host that is named.",
    reads: &[
        Source::Ingresses,
        Source::Services,
        Source::Resolution,
        Source::Probes,
        Source::Expectations,
    ],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let hosts = snapshot.public_hosts()?;
    let ingresses = snapshot.ingresses()?;
    let services = snapshot.services()?;
    let has = |point: &str| {
        hosts
            .iter()
            .any(|host| host.vantage_points.iter().any(|named| named == point))
    };
    let by_name = ingresses
        .iter()
        .flat_map(|ingress| &ingress.status.load_balancer.ingress)
        .any(|address| !address.hostname.is_empty());
    let here = if has("here") || by_name {
        row.read(snapshot.resolution())
    } else {
        None
    };
    let inside = has("cluster").then(|| Outcomes::of(&mut row, snapshot, ITEM.id));
    if hosts.is_empty() {
        row.unseen("no public host is declared, and no Ingress names one");
    }
    for host in &hosts {
        let name = host.host.as_str();
        let balancer = balancer(name, ingresses, services, here.map(Vec::as_slice).unwrap_or_default());
        row.stable(
            Source::Ingresses,
            format!("host/{name}"),
            "addresses of the load balancer",
            joined(&balancer),
        );
        if balancer.is_empty() {
            row.unseen(format!("the load balancer of {name} has no address to compare with"));
            continue;
        }
        if host.vantage_points.is_empty() {
            row.unseen(format!("from where {name} must resolve is not declared"));
        }
        for point in &host.vantage_points {
            match (point.as_str(), here, &inside) {
                ("here", Some(resolutions), _) => from_here(&mut row, name, resolutions, &balancer),
                ("here", None, _) | ("cluster", _, None) => {}
                ("cluster", _, Some(outcomes)) => from_cluster(&mut row, name, outcomes, &balancer),
                (other, ..) => row.unseen(format!("`{other}` is not a vantage point: `here` and `cluster` are")),
            }
        }
    }
    Ok(row.verdict("every public host resolves to the load balancer"))
}

fn joined(addresses: &BTreeSet<String>) -> String {
    addresses.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// The addresses at which a host is served: of the Ingresses that name it, else of Services of type `LoadBalancer`.
fn balancer(host: &str, ingresses: &[Ingress], services: &[Service], named: &[Resolution]) -> BTreeSet<String> {
    let serves = |ingress: &&Ingress| ingress.spec.rules.iter().any(|rule| covers(&rule.host, host));
    let of_ingresses: Vec<_> = ingresses
        .iter()
        .filter(serves)
        .flat_map(|ingress| &ingress.status.load_balancer.ingress)
        .collect();
    let of_services = services
        .iter()
        .filter(|service| service.spec.kind == "LoadBalancer")
        .flat_map(|service| &service.status.load_balancer.ingress);
    let addresses = if of_ingresses.is_empty() {
        of_services.collect()
    } else {
        of_ingresses
    };
    let mut found = BTreeSet::new();
    for address in addresses {
        if !address.ip.is_empty() {
            found.insert(address.ip.clone());
        }
        let resolved = named.iter().find(|resolution| resolution.host == address.hostname);
        found.extend(
            resolved
                .into_iter()
                .flat_map(|resolution| resolution.addresses.iter().cloned()),
        );
    }
    found
}

/// Whether a rule's host, which may begin with `*.` or be empty, serves a host.
fn covers(rule: &str, host: &str) -> bool {
    match rule.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|(_, rest)| rest == parent),
        None => rule.is_empty() || rule == host,
    }
}

fn from_here(row: &mut Clauses<'_>, host: &str, resolutions: &[Resolution], balancer: &BTreeSet<String>) {
    let Some(resolution) = resolutions.iter().find(|resolution| resolution.host == host) else {
        row.unseen(format!("{host} was not looked up here"));
        return;
    };
    if let Some(error) = &resolution.error {
        row.breach(format!("{host} does not resolve here: {error}"));
        return;
    }
    let addresses = resolution.addresses.iter().cloned().collect();
    row.moving(
        Source::Resolution,
        format!("host/{host}"),
        "addresses from here",
        joined(&addresses),
    );
    compared(row, host, "here", &addresses, balancer);
}

fn from_cluster(row: &mut Clauses<'_>, host: &str, outcomes: &Outcomes<'_>, balancer: &BTreeSet<String>) {
    let id = Target::name(host).id(Stand::Outside);
    let Some(outcome) = outcomes.get(&id) else {
        outcomes.lacks(row, &id);
        return;
    };
    row.moving(
        Source::Probes,
        format!("host/{host}"),
        "addresses from the cluster",
        outcome,
    );
    match outcome.strip_prefix("open ") {
        Some(addresses) => {
            let addresses = addresses.split(',').map(str::to_owned).collect();
            compared(row, host, "from the cluster", &addresses, balancer);
        }
        None => row.breach(format!("{host} does not resolve from the cluster: {outcome}")),
    }
}

fn compared(row: &mut Clauses<'_>, host: &str, place: &str, addresses: &BTreeSet<String>, balancer: &BTreeSet<String>) {
    let elsewhere: BTreeSet<String> = addresses.difference(balancer).cloned().collect();
    if elsewhere.is_empty() && !addresses.is_empty() {
        return;
    }
    let words = if elsewhere.len() == addresses.len() {
        format!(
            "{host} resolves {place} to {}, not to {}",
            joined(addresses),
            joined(balancer)
        )
    } else {
        format!(
            "{host} has split answers {place}: {} is not the load balancer",
            joined(&elsewhere)
        )
    };
    row.breach(words);
}
