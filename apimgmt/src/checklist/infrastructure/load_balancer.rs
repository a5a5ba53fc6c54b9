//! The load balancer is served by a controller, has an address and answers.

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses},
    snapshot::{
        Metadata, Snapshot, Source, Unreadable,
        services::{Ingress, IngressClass, LoadBalancerStatus},
        sessions::Host,
    },
};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/load-balancer",
    title: "The load balancer has an address and answers",
    stage: Stage::Pre,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "Without an address the platform is up and nobody can reach it.",
    fix: "Run `kubectl get ingress` and look at the ingress controller's log.",
    reads: &[
        Source::Ingresses,
        Source::IngressClasses,
        Source::Services,
        Source::Hosts,
    ],
    judge,
};

/// A controller that takes longer than this to give an address does not give one.
const ASSIGNING_TAKES: i64 = 120;

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let ingresses = row.read(snapshot.ingresses());
    let services = row.read(snapshot.services());
    let classes = row.read(snapshot.ingress_classes());
    let mut doors = 0;
    for ingress in ingresses.into_iter().flatten() {
        doors += 1;
        let object = format!("ingress/{}", ingress.metadata.name);
        if let Some(classes) = classes {
            controlled(&mut row, &object, ingress, classes);
        }
        let balancer = &ingress.status.load_balancer;
        assigned(
            &mut row,
            snapshot,
            Source::Ingresses,
            &object,
            &ingress.metadata,
            balancer,
        );
    }
    for service in services.into_iter().flatten() {
        if service.spec.kind == "LoadBalancer" {
            doors += 1;
            let object = format!("service/{}", service.metadata.name);
            let balancer = &service.status.load_balancer;
            assigned(
                &mut row,
                snapshot,
                Source::Services,
                &object,
                &service.metadata,
                balancer,
            );
        }
    }
    if doors == 0 && ingresses.is_some() && services.is_some() {
        row.unseen("there is no Ingress and no Service of type LoadBalancer");
    }
    if let Some(hosts) = row.read(snapshot.hosts()) {
        if hosts.is_empty() {
            row.unseen("no public host is known, so nothing was asked");
        }
        for host in hosts {
            answers(&mut row, host);
        }
    }
    Ok(row.verdict("every door has its controller and its address, and answers"))
}

fn controlled(row: &mut Clauses<'_>, object: &str, ingress: &Ingress, classes: &[IngressClass]) {
    // The annotation is how it was said before there were classes; controllers still follow it.
    let annotated = ingress.metadata.annotations.get("kubernetes.io/ingress.class");
    let named = [Some(&ingress.spec.ingress_class_name), annotated]
        .into_iter()
        .flatten()
        .find(|name| !name.is_empty());
    let class = match named {
        Some(name) => classes.iter().find(|class| class.metadata.name == *name),
        None => classes.iter().find(|class| class.is_default()),
    };
    match (class, named) {
        (Some(class), _) if class.spec.controller.is_empty() => {
            row.breach(format!("ingressclass/{} names no controller", class.metadata.name));
        }
        (Some(class), _) => row.stable(
            Source::IngressClasses,
            format!("ingressclass/{}", class.metadata.name),
            "spec.controller",
            &class.spec.controller,
        ),
        (None, Some(name)) => row.breach(format!("{object} is of ingressclass/{name}, which does not exist")),
        (None, None) => row.breach(format!("{object} names no class, and there is no default one")),
    }
}

fn assigned(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    source: Source,
    object: &str,
    metadata: &Metadata,
    balancer: &LoadBalancerStatus,
) {
    let addresses: Vec<&str> = balancer
        .ingress
        .iter()
        .map(|address| {
            if address.ip.is_empty() {
                &address.hostname
            } else {
                &address.ip
            }
        })
        .map(String::as_str)
        .filter(|address| !address.is_empty())
        .collect();
    row.stable(source, object, "status.loadBalancer.ingress", addresses.join(", "));
    if !addresses.is_empty() {
        return;
    }
    let age = metadata
        .creation_timestamp
        .map(|created| snapshot.taken_at.duration_since(created).as_secs());
    if age.is_some_and(|age| (0..=ASSIGNING_TAKES).contains(&age)) {
        row.unseen(format!("{object} is still waiting for its address"));
    } else {
        row.breach(format!("{object} has no address: its controller does not serve it"));
    }
}

/// Whatever the status: what is asked is whether somebody is there, over TCP and HTTP.
fn answers(row: &mut Clauses<'_>, host: &Host) {
    let object = format!("host/{}", host.host);
    let status = |status: Option<u16>| status.map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    row.moving(
        Source::Hosts,
        &object,
        "HTTPS, HTTP",
        format!(
            "{}, {} at {}",
            status(host.https_status),
            status(host.http_status),
            host.connected_to
        ),
    );
    if host.https_status.is_none() && host.http_status.is_none() {
        let why = host.error.as_deref().or(host.http_error.as_deref());
        row.breach(format!(
            "{} does not answer at {}: {}",
            host.host,
            host.connected_to,
            why.unwrap_or("no HTTP answer")
        ));
    }
}
