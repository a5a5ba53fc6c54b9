//! The database and the cache as their sessions tell of them, which objects they are here, and who uses them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Backing, Scene};
use crate::{
    checklist::Evidence,
    diagnoses::{Directness, Finding},
    signatures::{Answer, Family},
    snapshot::{
        Pod, Source, Unreadable,
        pods::Container,
        sessions::{Postgresql, Redis},
    },
};

/// What looking at the database and at those who use it reads.
pub(crate) const DATABASE: &[Source] = &[
    Source::Postgresql,
    Source::Pods,
    Source::ReplicaSets,
    Source::Jobs,
    Source::Logs,
    Source::Services,
    Source::EndpointSlices,
    Source::Secrets,
    Source::ConfigMaps,
];

/// What looking at the cache and at those who use it reads.
pub(crate) const CACHE: &[Source] = &[
    Source::Redis,
    Source::Pods,
    Source::ReplicaSets,
    Source::Jobs,
    Source::Logs,
    Source::Services,
    Source::EndpointSlices,
    Source::Secrets,
    Source::ConfigMaps,
];

/// A server that a session was made to.
pub(crate) struct Server<'a, T> {
    /// What the session told.
    pub(crate) facts: &'a T,
    /// Which family it is of.
    pub(crate) family: Family,
    /// What keeps it running, `kind/name`; `server/HOST:PORT` outside.
    pub(crate) object: String,
    /// Its pod, where it is one of this namespace.
    pub(crate) pod: Option<&'a Pod>,
    /// Services that lead to it.
    pub(crate) services: Vec<&'a str>,
}

/// A state of a server that some finding explains and others follow from: what the fold joins them by.
pub(crate) fn state_of(state: &str, object: &str) -> String {
    format!("{state}-of/{object}")
}

impl<'a> Scene<'a> {
    /// The database; `None` when nothing plays it.
    pub(crate) fn database(&self) -> Result<Option<Server<'a, Postgresql>>, Unreadable> {
        self.ask_dependencies();
        self.current()?;
        let facts = self.snapshot.postgresql()?.as_ref();
        Ok(facts.map(|facts| self.server(facts, &facts.object, Family::Postgresql)))
    }

    /// The cache; `None` when nothing plays it.
    pub(crate) fn cache(&self) -> Result<Option<Server<'a, Redis>>, Unreadable> {
        self.ask_dependencies();
        self.current()?;
        let facts = self.snapshot.redis()?.as_ref();
        Ok(facts.map(|facts| self.server(facts, &facts.object, Family::Redis)))
    }

    fn server<T>(&self, facts: &'a T, object: &str, family: Family) -> Server<'a, T> {
        let name = object.strip_prefix("pod/");
        let pods = self.pods().unwrap_or_default();
        let pod = name.and_then(|name| pods.iter().copied().find(|pod| pod.metadata.name == name));
        let services = match pod {
            Some(pod) => self.services_of(pod).map(Backing::name).collect(),
            None => self.services_outside(object),
        };
        Server {
            facts,
            family,
            object: pod.map_or_else(|| object.to_owned(), |pod| self.workload(pod)),
            pod,
            services,
        }
    }

    /// Services here that stand for a server outside.
    fn services_outside(&self, object: &str) -> Vec<&'a str> {
        let host = object.strip_prefix("server/").and_then(|rest| rest.rsplit_once(':'));
        let backings = self.backings().into_iter().flat_map(|backings| backings.values());
        let outside = backings.filter(|it| host.is_some_and(|(host, _)| it.service.spec.external_name == host));
        outside.map(Backing::name).collect()
    }

    /// The pods that use a server and are not ready, by name.
    pub(crate) fn unready_users<T>(&self, server: &Server<'a, T>) -> Vec<&'a Pod> {
        let mut users: Vec<&Pod> = server
            .services
            .iter()
            .flat_map(|service| self.dependents(service))
            .copied()
            .filter(|pod| !pod.is_ready())
            .collect();
        users.sort_by(|left, right| left.metadata.name.cmp(&right.metadata.name));
        users.dedup_by(|left, right| left.metadata.name == right.metadata.name);
        users
    }

    /// The workloads that use a server, by name, each with its pods.
    pub(crate) fn users<T>(&self, server: &Server<'a, T>) -> Vec<(String, usize)> {
        let pods = server.services.iter().flat_map(|service| self.dependents(service));
        let mut seen: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        for pod in pods {
            seen.entry(self.workload(pod)).or_default().insert(&pod.metadata.name);
        }
        seen.into_iter()
            .map(|(workload, pods)| (workload, pods.len()))
            .collect()
    }

    /// Something that the session told.
    pub(crate) fn told<T>(&self, server: &Server<'a, T>, field: &str, value: impl std::fmt::Display) -> Evidence {
        let source = match server.family {
            Family::Postgresql => Source::Postgresql,
            Family::Redis => Source::Redis,
        };
        let object = server.pod.map_or_else(|| server.object.clone(), Pod::object);
        Evidence::moving(self.snapshot, source, object, field, super::clean(&value.to_string()))
    }

    /// The pod of an address, for a person; the address itself where it is nobody's here.
    pub(crate) fn whose(&self, address: &str) -> String {
        let pods = self.pods().unwrap_or_default();
        match pods.iter().find(|pod| pod.is_at(address)) {
            Some(pod) => pod.object(),
            None if address.is_empty() => "its own pod".into(),
            None => super::clean(address),
        }
    }
}

impl<'a, T> Server<'a, T> {
    /// A finding about it that stops its users: they and whatever waits for them follow from it.
    pub(crate) fn outage(
        &self,
        scene: &Scene<'a>,
        id: &'static str,
        answers: &[Answer],
        cause: impl Into<String>,
    ) -> Finding {
        let said = scene.complaints(self.family, answers);
        let object = &self.object;
        Finding::new(id, object, cause)
            .shown(Directness::Compared)
            .explaining(scene.unready_users(self).iter().map(|pod| pod.object()))
            .explaining(said.iter().map(|it| it.pod.object()))
            .explaining(self.services.iter().map(|service| state_of("answer", service)))
            .because(scene.said(&said))
    }
}

/// The container of a pod that is a server of a family, by its image or port.
pub(crate) fn container_of(pod: &Pod, family: Family) -> Option<&Container> {
    let containers = &pod.spec.containers;
    let is_server = |container: &&Container| {
        let ports = container.ports.iter().map(|port| port.container_port);
        Family::of(&container.image, ports) == Some(family)
    };
    containers.iter().find(is_server)
}
