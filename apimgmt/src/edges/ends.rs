//! Who stands at the ends of an edge, as network policies see them: labels, ports, addresses.

use std::net::IpAddr;

use super::{Edges, Stand, Target, Way};
use crate::snapshot::{
    Labels, PodSpec, Snapshot, Unreadable,
    roles::{Role, Roles, target_port},
};

/// One end of a connection.
#[derive(Debug, Clone, PartialEq)]
pub enum Place {
    /// A pod.
    Pod {
        /// Its namespace.
        namespace: String,
        /// Its labels.
        labels: Labels,
        /// Its ports by name, with their protocols.
        ports: Vec<(String, u16, String)>,
        /// Its address or that of another pod of its network, when one is known.
        address: Option<IpAddr>,
    },
    /// Something else with an address.
    Address(IpAddr),
}

impl Place {
    /// The name servers of the cluster, where those of Kubernetes stand.
    pub(crate) fn cluster_dns() -> Self {
        Self::Pod {
            namespace: "kube-system".into(),
            labels: [("k8s-app".to_owned(), "kube-dns".to_owned())].into(),
            ports: vec![("dns".into(), 53, "UDP".into()), ("dns-tcp".into(), 53, "TCP".into())],
            address: None,
        }
    }

    /// A pod by its labels and what it asks for.
    pub(crate) fn pod(namespace: &str, labels: Labels, spec: &PodSpec, address: Option<IpAddr>) -> Self {
        let ports = spec.containers.iter().flat_map(|container| &container.ports);
        Self::Pod {
            namespace: namespace.into(),
            labels,
            ports: ports
                .map(|port| (port.name.clone(), port.container_port, port.protocol.clone()))
                .collect(),
            address,
        }
    }
}

/// The places of a release's stands.
#[derive(Debug)]
pub struct Ends {
    places: Vec<(Stand, Place, u16)>,
}

impl Ends {
    /// Finds them.
    ///
    /// # Errors
    /// When one of [`Edges::READS`] could not be read.
    pub fn of(snapshot: &Snapshot) -> Result<Self, Unreadable> {
        let roles = Roles::of(snapshot)?;
        let expected = snapshot.expectations()?;
        let address = pod_address(snapshot)?;
        let mut places = Vec::new();
        for (stand, role) in [
            (Stand::Application, &roles.application),
            (Stand::Database, &roles.database),
            (Stand::Cache, &roles.cache),
        ] {
            if let Some(role) = role {
                let labels = labels_of(snapshot, role)?;
                let place = Place::pod(&snapshot.namespace, labels, &role.template, address);
                places.push((stand, place, role.port));
            }
        }
        let (prometheus, sentinel) = (&expected.monitoring.prometheus, &expected.cache.sentinel);
        if expected.cache.mode == "sentinel" {
            places.extend(behind(
                snapshot,
                Stand::Sentinel,
                (&sentinel.service, sentinel.port),
                address,
            )?);
        }
        places.extend(behind(
            snapshot,
            Stand::Monitoring,
            (&prometheus.service, prometheus.port),
            address,
        )?);
        let anybody = |namespace: &str| Place::pod(namespace, Labels::new(), &PodSpec::default(), address);
        places.push((Stand::Stranger, anybody(&snapshot.namespace), 0));
        places.push((Stand::Outside, anybody(&expected.network.outside_namespace), 0));
        Ok(Self { places })
    }

    /// Where a stand is.
    pub fn place(&self, stand: Stand) -> Option<&Place> {
        self.places
            .iter()
            .find(|(one, ..)| *one == stand)
            .map(|(_, place, _)| place)
    }

    /// Where a target is, and its port there; `None` for names that only the cluster's DNS knows.
    pub fn target(&self, target: &Target) -> Option<(Place, u16)> {
        if target.way != Way::Tcp {
            return None;
        }
        if let Some(stand) = target.part {
            let (_, place, port) = self.places.iter().find(|(one, ..)| *one == stand)?;
            return Some((place.clone(), *port));
        }
        Some((Place::Address(target.host.parse().ok()?), target.port))
    }
}

/// The address of a pod here. Which one another pod has or gets is not known, but it is of the same network, and the
/// ranges that policies name are ranges of networks.
fn pod_address(snapshot: &Snapshot) -> Result<Option<IpAddr>, Unreadable> {
    let mut pods = snapshot.pods()?.iter().filter(|pod| !pod.spec.host_network);
    Ok(pods.find_map(|pod| pod.status.pod_ip))
}

/// The labels of a role's pods: of the template, else of the pod that plays it alone.
fn labels_of(snapshot: &Snapshot, role: &Role) -> Result<Labels, Unreadable> {
    let (kind, name) = role.workload.split_once('/').unwrap_or_default();
    let labels = match kind {
        "deployment" => {
            let mut all = snapshot.deployments()?.iter();
            all.find(|one| one.metadata.name == name)
                .map(|one| &one.spec.template.metadata.labels)
        }
        "statefulset" => {
            let mut all = snapshot.stateful_sets()?.iter();
            all.find(|one| one.metadata.name == name)
                .map(|one| &one.spec.template.metadata.labels)
        }
        _ => {
            let mut all = snapshot.pods()?.iter();
            all.find(|one| one.metadata.name == name)
                .map(|one| &one.metadata.labels)
        }
    };
    Ok(labels.map(|labels| Labels::clone(labels)).unwrap_or_default())
}

/// The workload behind a port of a service.
fn behind(
    snapshot: &Snapshot,
    stand: Stand,
    (name, port): (&str, u16),
    address: Option<IpAddr>,
) -> Result<Option<(Stand, Place, u16)>, Unreadable> {
    let mut services = snapshot.services()?.iter();
    let Some(service) = services.find(|service| service.metadata.name == name) else {
        return Ok(None);
    };
    let is_behind = |labels: &Labels| {
        let selector = &service.spec.selector;
        !selector.is_empty() && selector.iter().all(|(key, value)| labels.get(key) == Some(value))
    };
    let deployments = snapshot.deployments()?.iter().map(|one| &one.spec.template);
    let stateful_sets = snapshot.stateful_sets()?.iter().map(|one| &one.spec.template);
    let template = deployments
        .chain(stateful_sets)
        .find(|template| is_behind(&template.metadata.labels));
    Ok(template.map(|template| {
        let ports = &service.spec.ports;
        let target = ports.iter().find(|declared| declared.port == port);
        let target = target.and_then(|declared| target_port(declared, &template.spec));
        let labels = Labels::clone(&template.metadata.labels);
        let place = Place::pod(&snapshot.namespace, labels, &template.spec, address);
        (stand, place, target.unwrap_or(port))
    }))
}

impl Edges {
    /// Names what a stand is, for messages: the workload's word, or who it stands for.
    pub fn words(stand: Stand) -> &'static str {
        match stand {
            Stand::Stranger => "a pod of the namespace that plays no part",
            Stand::Outside => "a pod of another namespace",
            other => other.name(),
        }
    }
}
