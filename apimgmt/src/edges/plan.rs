//! Which edges there are.

use super::{Edge, Purpose, Stand, Target, Way};
use crate::{
    snapshot::{
        Snapshot, Source, Unreadable, Why,
        roles::{Role, Roles, target_port},
        services::Service,
    },
    values::DeclaredEdge,
};

/// Where clouds tell a node its credentials.
///
/// Source: the documentation of AWS, Azure and Google Cloud, which all use this link-local address.
pub const METADATA: (&str, u16) = ("169.254.169.254", 80);

/// The API server, from any namespace.
const API_SERVER: (&str, u16) = ("kubernetes.default.svc", 443);

/// Every edge of a release.
#[derive(Debug, Default)]
pub struct Edges {
    /// The edges, each once.
    pub all: Vec<Edge>,
    /// Parts that are played here.
    parts: Vec<(Stand, Target)>,
    /// The Sentinels run in pods of their own, not beside the servers.
    sentinels_apart: bool,
}

impl Edges {
    /// What finding them reads; units that ask for edges declare these.
    pub const READS: &'static [Source] = &[
        Source::Expectations,
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
        Source::Ingresses,
    ];

    /// Finds them.
    ///
    /// # Errors
    /// When one of [`Self::READS`] could not be read, or a declared edge is not one.
    pub fn of(snapshot: &Snapshot) -> Result<Self, Unreadable> {
        let roles = Roles::of(snapshot)?;
        let expected = snapshot.expectations()?;
        let mut edges = Self {
            parts: parts(snapshot, &roles)?,
            sentinels_apart: !are_beside(snapshot, &roles)?,
            ..Self::default()
        };
        let declared = |list: &[DeclaredEdge]| -> Result<Vec<(Stand, Target)>, Unreadable> {
            list.iter().map(|edge| edges.declared(snapshot, edge)).collect()
        };
        let (needed, closed) = (declared(&expected.network.needed)?, declared(&expected.network.closed)?);
        edges.needed(needed);
        if let Some(issuer) = issuer(&expected.authentication.issuer) {
            edges.add(Stand::Application, issuer, Purpose::Needed);
        }
        // Named hosts are asked from inside the cluster where they are declared to be known there.
        let path = expected.health.paths.first().map_or("/", |health| health.path.as_str());
        for host in snapshot.public_hosts()? {
            if host.vantage_points.iter().any(|point| point == "cluster") {
                edges.add(Stand::Outside, Target::name(&host.host), Purpose::Lookup);
                let https = Target {
                    way: Way::Https,
                    port: 443,
                    path: path.into(),
                    ..Target::name(&host.host)
                };
                edges.add(Stand::Outside, https, Purpose::Needed);
            }
        }
        edges.closed(closed);
        Ok(edges)
    }

    /// The part of a stand, when it is played here.
    pub fn part(&self, stand: Stand) -> Option<&Target> {
        self.parts
            .iter()
            .find(|(part, _)| *part == stand)
            .map(|(_, target)| target)
    }

    /// The edges of a purpose.
    pub fn with(&self, purpose: Purpose) -> impl Iterator<Item = &Edge> {
        self.all.iter().filter(move |edge| edge.purpose == purpose)
    }

    fn needed(&mut self, declared: Vec<(Stand, Target)>) {
        let named = [Stand::Database, Stand::Cache, Stand::Application]
            .into_iter()
            .find_map(|stand| self.part(stand).map(|target| target.host.clone()));
        if self.part(Stand::Application).is_some() {
            if let Some(host) = named {
                self.add(Stand::Application, Target::name(&host), Purpose::Needed);
            }
            self.between(Stand::Application, Stand::Database, Purpose::Needed);
            self.between(Stand::Application, Stand::Cache, Purpose::Needed);
            self.between(Stand::Application, Stand::Sentinel, Purpose::Needed);
            self.between(Stand::Monitoring, Stand::Application, Purpose::Needed);
        }
        self.watched();
        self.add(Stand::Outside, Target::tcp(API_SERVER.0, API_SERVER.1), Purpose::Needed);
        for (from, to) in declared {
            self.add(from, to, Purpose::Needed);
        }
    }

    /// Replicas follow their master, whoever that is; Sentinels watch every server and agree with each other.
    fn watched(&mut self) {
        if self.part(Stand::Sentinel).is_none() {
            return;
        }
        let watcher = if self.sentinels_apart {
            Stand::Sentinel
        } else {
            Stand::Cache
        };
        self.between(Stand::Cache, Stand::Cache, Purpose::Needed);
        self.between(watcher, Stand::Cache, Purpose::Needed);
        self.between(watcher, Stand::Sentinel, Purpose::Needed);
    }

    fn closed(&mut self, declared: Vec<(Stand, Target)>) {
        use Stand::{Application, Cache, Database, Outside, Sentinel, Stranger};
        for (from, to) in [
            (Outside, Database),
            (Outside, Cache),
            (Outside, Sentinel),
            (Outside, Application),
            (Stranger, Database),
            (Stranger, Cache),
            (Stranger, Sentinel),
            (Database, Cache),
            (Database, Sentinel),
            (Cache, Database),
        ] {
            self.between(from, to, Purpose::Isolation);
        }
        for stand in [Application, Database, Cache] {
            if self.part(stand).is_some() {
                self.add(stand, Target::tcp(METADATA.0, METADATA.1), Purpose::Egress);
                self.add(stand, Target::tcp(API_SERVER.0, API_SERVER.1), Purpose::Egress);
            }
        }
        for (from, to) in declared {
            let purpose = if to.part.is_some() {
                Purpose::Isolation
            } else {
                Purpose::Egress
            };
            self.add(from, to, purpose);
        }
    }

    fn between(&mut self, from: Stand, to: Stand, purpose: Purpose) {
        let is_there = |stand: Stand| stand.network().is_none() || self.part(stand).is_some();
        if let (Some(target), true) = (self.part(to).cloned(), is_there(from)) {
            self.add(from, target, purpose);
        }
    }

    /// What is needed first is not closed by what comes later.
    fn add(&mut self, from: Stand, to: Target, purpose: Purpose) {
        let edge = Edge { from, to, purpose };
        if !self.all.iter().any(|other| other.id() == edge.id()) {
            self.all.push(edge);
        }
    }

    fn declared(&self, snapshot: &Snapshot, edge: &DeclaredEdge) -> Result<(Stand, Target), Unreadable> {
        let wrong = |what: &str| {
            let message = format!("`checklist.network`: {what}");
            Unreadable::new(Source::Expectations, &snapshot.namespace, Why::Failed(message))
        };
        let from = Stand::named(&edge.from).ok_or_else(|| wrong(&format!("nobody connects from `{}`", edge.from)))?;
        if let Some(stand) = Stand::named(&edge.to) {
            let part = self.part(stand);
            return Ok((
                from,
                part.cloned()
                    .ok_or_else(|| wrong(&format!("nobody plays `{}` here", edge.to)))?,
            ));
        }
        let parsed = edge
            .to
            .rsplit_once(':')
            .and_then(|(host, port)| Some(Target::tcp(host, port.parse().ok()?)));
        let target = parsed.filter(|target| !target.host.is_empty());
        Ok((
            from,
            target.ok_or_else(|| wrong(&format!("`{}` is not `HOST:PORT`", edge.to)))?,
        ))
    }
}

/// Where an issuer's keys are fetched: `https://HOST[:PORT]/…`.
fn issuer(url: &str) -> Option<Target> {
    let (scheme, rest) = url.split_once("://")?;
    let usual = match scheme {
        "https" => 443,
        "http" => 80,
        _ => return None,
    };
    let authority = rest.split('/').next().filter(|authority| !authority.is_empty())?;
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, usual),
    };
    Some(Target::tcp(host, port))
}

/// The parts with the services in front of them; what has no service cannot be connected to by a name.
fn parts(snapshot: &Snapshot, roles: &Roles) -> Result<Vec<(Stand, Target)>, Unreadable> {
    let services = snapshot.services()?;
    let own = |service: &Service, port: u16, stand: Stand| {
        let address = service.spec.cluster_ip.clone();
        let target = Target {
            address: (!address.is_empty() && address != "None").then_some(address),
            part: Some(stand),
            ..Target::tcp(&format!("{}.{}.svc", service.metadata.name, snapshot.namespace), port)
        };
        (stand, target)
    };
    let of_role = |role: &Role, stand: Stand| {
        let name = role.service.as_ref()?;
        let service = services.iter().find(|service| service.metadata.name == *name)?;
        let ports = &service.spec.ports;
        let port = ports.iter().find(|port| port.port == role.port).or(ports.first())?;
        Some(own(service, port.port, stand))
    };
    let played = [
        (&roles.application, Stand::Application),
        (&roles.database, Stand::Database),
        (&roles.cache, Stand::Cache),
    ];
    let mut parts: Vec<_> = played
        .into_iter()
        .filter_map(|(role, stand)| of_role(role.as_ref()?, stand))
        .collect();
    let expected = snapshot.expectations()?;
    let named = |name: &str| services.iter().find(|service| service.metadata.name == name);
    let sentinel = &expected.cache.sentinel;
    if expected.cache.mode == "sentinel" {
        let service = named(&sentinel.service);
        parts.extend(service.map(|service| own(service, sentinel.port, Stand::Sentinel)));
    }
    let prometheus = &expected.monitoring.prometheus;
    let monitoring = named(&prometheus.service);
    parts.extend(monitoring.map(|service| own(service, prometheus.port, Stand::Monitoring)));
    Ok(parts)
}

/// Whether the Sentinels run in the pods of the cache's servers.
fn are_beside(snapshot: &Snapshot, roles: &Roles) -> Result<bool, Unreadable> {
    let sentinel = &snapshot.expectations()?.cache.sentinel;
    let mut services = snapshot.services()?.iter();
    let service = services.find(|service| service.metadata.name == sentinel.service);
    let port = service.and_then(|service| service.spec.ports.iter().find(|port| port.port == sentinel.port));
    Ok(roles.cache.iter().zip(port).any(|(role, port)| {
        let mut declared = role.template.containers.iter().flat_map(|container| &container.ports);
        let target = target_port(port, &role.template);
        declared.any(|declared| Some(declared.container_port) == target)
    }))
}
