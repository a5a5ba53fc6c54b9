//! Where a DSN leads: to a service of the namespace, to a name that a service stands for, or to a declared place.

use crate::{
    checklist::clauses::Clauses,
    snapshot::{Snapshot, sensitive::Address, services::Service},
};

/// Schemes of pages and interfaces of others: such addresses may lead anywhere.
const OUTWARD: [&str; 4] = ["http", "https", "ws", "wss"];

/// Judges the address that `what` (`DATABASE_URL of secret/x`) holds.
pub(super) fn judge(row: &mut Clauses<'_>, snapshot: &Snapshot, what: &str, address: &Address) {
    if OUTWARD.contains(&address.scheme.as_str()) {
        return;
    }
    let host = address.host.trim_end_matches('.').to_ascii_lowercase();
    if host.is_empty() {
        row.breach(format!("{what} names no host"));
        return;
    }
    let (services, expected) = (row.read(snapshot.services()), row.read(snapshot.expectations()));
    let (Some(services), Some(expected)) = (services, expected) else {
        return;
    };
    let declared = expected
        .external_hosts
        .iter()
        .any(|declared| declared.eq_ignore_ascii_case(&host));
    let stood_for = services
        .iter()
        .any(|service| service.spec.external_name.trim_end_matches('.') == host);
    if declared || stood_for {
        return;
    }
    let named = service_of(&host, &snapshot.namespace);
    // A pod of a stateful set has its own name in front of its service's.
    let behind = || service_of(host.split_once('.')?.1, &snapshot.namespace);
    let service = named.or_else(behind).and_then(|name| find(services, name));
    match service {
        Some(service) => port(row, what, service, address.port),
        None if is_loopback(&host) => row.breach(format!("{what} leads to the pod itself ({host})")),
        None if named.is_some() => row.breach(format!("{what} leads to `{host}`, and no such Service is here")),
        None => row.breach(format!(
            "{what} leads out of the namespace to `{host}`, which `checklist.externalHosts` does not declare"
        )),
    }
}

fn find<'a>(services: &'a [Service], name: &str) -> Option<&'a Service> {
    services.iter().find(|service| service.metadata.name == name)
}

/// The service that a host names inside `namespace`: `name`, `name.NAMESPACE`, `name.NAMESPACE.svc…`.
fn service_of<'a>(host: &'a str, namespace: &str) -> Option<&'a str> {
    let labels: Vec<&str> = host.split('.').collect();
    let inside = match &labels[1..] {
        [] => true,
        [own] | [own, "svc"] | [own, "svc", "cluster", "local"] => *own == namespace,
        _ => false,
    };
    inside.then_some(labels[0])
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "::1" || host == "[::1]" || host.starts_with("127.")
}

fn port(row: &mut Clauses<'_>, what: &str, service: &Service, port: u16) {
    // A headless service only names pods: the port is theirs.
    let headless = service.spec.cluster_ip == "None";
    let open = service.spec.ports.iter().any(|open| open.port == port);
    if port != 0 && !headless && !open {
        row.breach(format!(
            "{what} leads to port {port}, which service/{} does not have",
            service.metadata.name
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::service_of;

    #[test]
    fn a_host_names_a_service_of_its_own_namespace_only() {
        for (host, service) in [
            ("postgres", Some("postgres")),
            ("postgres.shop", Some("postgres")),
            ("postgres.shop.svc", Some("postgres")),
            ("postgres.shop.svc.cluster.local", Some("postgres")),
            ("postgres.other.svc", None),
            ("db.example.com", None),
            ("10.0.0.7", None),
        ] {
            assert_eq!(service_of(host, "shop"), service, "{host}");
        }
    }
}
