//! Where a server of the release is, as the application's configuration names it: a pod behind a service here, or an
//! address outside.

use crate::snapshot::{
    Pod,
    roles::{Role, target_port},
    services::Service,
    sessions::Path,
};

/// Where to connect to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reach {
    /// A pod of the namespace, by port-forward.
    Pod { name: String, port: u16 },
    /// An address outside the cluster.
    Direct { host: String, port: u16 },
}

impl Reach {
    /// The object as evidence names it.
    pub(crate) fn object(&self) -> String {
        match self {
            Self::Pod { name, .. } => format!("pod/{name}"),
            Self::Direct { host, port } => format!("server/{host}:{port}"),
        }
    }

    pub(crate) fn path(&self) -> Path {
        match self {
            Self::Pod { .. } => Path::PortForward,
            Self::Direct { .. } => Path::Direct,
        }
    }
}

/// What is known of the namespace.
pub(crate) struct Surroundings<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) services: &'a [Service],
    pub(crate) pods: &'a [Pod],
}

impl Surroundings<'_> {
    /// Where `host` leads; port 0 stands for the usual one.
    ///
    /// # Errors
    /// In words: there is no such service, or no pod behind it is ready.
    pub(crate) fn reach(&self, host: &str, port: u16, usual: u16, role: Option<&Role>) -> Result<Reach, String> {
        let port = if port == 0 { usual } else { port };
        let service = match self.service_name(host)? {
            None => {
                return Ok(Reach::Direct {
                    host: host.into(),
                    port,
                });
            }
            Some(name) => self.services.iter().find(|service| service.metadata.name == name),
        };
        let Some(service) = service else {
            let stands = role
                .map(|role| format!(" (it should stand before {})", role.workload))
                .unwrap_or_default();
            return Err(format!("there is no service `{host}` in `{}`{stands}", self.namespace));
        };
        if !service.spec.external_name.is_empty() {
            return Ok(Reach::Direct {
                host: service.spec.external_name.clone(),
                port,
            });
        }
        let name = &service.metadata.name;
        if service.spec.selector.is_empty() {
            return Err(format!("service/{name} has no selector, so its pods are not known"));
        }
        let behind = |pod: &&Pod| {
            let labels = &pod.metadata.labels;
            service
                .spec
                .selector
                .iter()
                .all(|(key, value)| labels.get(key) == Some(value))
        };
        let mut behind = self.pods.iter().filter(behind);
        let pod = match host.split_once('.') {
            // A pod of a stateful set is meant alone: postgres-0.postgres.shop.svc.
            Some((named, rest)) if rest.split('.').next() == Some(name) => {
                let named = behind.find(|pod| pod.metadata.name == named);
                named.ok_or_else(|| format!("there is no pod `{host}` behind service/{name}"))?
            }
            _ => behind
                .find(|pod| pod.is_ready())
                .ok_or_else(|| role.map_or_else(|| format!("no ready pod behind service/{name}"), no_ready_pod))?,
        };
        let target = service.spec.ports.iter().find(|candidate| candidate.port == port);
        let port = target.and_then(|target| target_port(target, &pod.spec)).unwrap_or(port);
        Ok(Reach::Pod {
            name: pod.metadata.name.clone(),
            port,
        })
    }

    /// The pod of an address such as Sentinels name it, by the pod's name or its own address; else a server outside.
    pub(crate) fn reach_address(&self, address: &str, usual: u16) -> Result<Reach, String> {
        let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
        let port = port.parse().unwrap_or(usual);
        let owner = self.pods.iter().find(|pod| pod.is_at(host));
        owner.map_or_else(
            || self.reach(host, port, usual, None),
            |pod| {
                Ok(Reach::Pod {
                    name: pod.metadata.name.clone(),
                    port,
                })
            },
        )
    }

    /// A ready pod of a role, where nothing names its host.
    pub(crate) fn reach_role(&self, role: &Role) -> Result<Reach, String> {
        let pod = role.ready_pods(self.pods).next().ok_or_else(|| no_ready_pod(role))?;
        Ok(Reach::Pod {
            name: pod.metadata.name.clone(),
            port: role.port,
        })
    }

    /// The service here that a host name means; `None` for hosts outside.
    fn service_name<'b>(&'b self, host: &'b str) -> Result<Option<&'b str>, String> {
        if let Some(service) = self.services.iter().find(|service| service.spec.cluster_ip == host) {
            return Ok(Some(&service.metadata.name));
        }
        if host.parse::<std::net::IpAddr>().is_ok() || host == "localhost" {
            return Ok(None);
        }
        let inside = host
            .trim_end_matches('.')
            .strip_suffix(".svc.cluster.local")
            .or_else(|| host.strip_suffix(".svc"));
        let mut labels = inside.unwrap_or(host).split('.');
        let (name, namespace, more) = (labels.next().unwrap_or(host), labels.next(), labels.next());
        match namespace {
            None => Ok(Some(name)),
            Some(namespace) if namespace == self.namespace && more.is_none() => Ok(Some(name)),
            // A pod of a stateful set: postgres-0.postgres.shop.svc.
            Some(service)
                if more == Some(self.namespace) || (inside.is_none() && more.is_none() && self.has(service)) =>
            {
                Ok(Some(service))
            }
            Some(namespace) if inside.is_some() => Err(format!(
                "`{host}` is in the namespace `{namespace}`, which is not this release's"
            )),
            Some(_) => Ok(None),
        }
    }

    fn has(&self, service: &str) -> bool {
        self.services.iter().any(|known| known.metadata.name == service)
    }
}

/// In words: a part of the platform has no pod to talk to.
pub(crate) fn no_ready_pod(role: &Role) -> String {
    if role.missing {
        format!("{} does not exist", role.workload)
    } else if role.workload.starts_with("pod/") {
        format!("{} is not ready", role.workload)
    } else {
        format!("no ready pod of {}", role.workload)
    }
}

#[cfg(test)]
mod tests {
    use super::{Reach, Surroundings};
    use crate::snapshot::Snapshot;

    const OBJECTS: &str = "takenAt: 2026-11-23T08:00:00Z
namespace: shop
objects:
- {kind: Service, metadata: {name: postgres}, spec: {clusterIP: 10.1.1.1, selector: {app: postgres}, ports: [{port: 5432, targetPort: sql}]}}
- {kind: Service, metadata: {name: far}, spec: {type: ExternalName, externalName: db.example.net}}
- {kind: Service, metadata: {name: redis}, spec: {selector: {app: redis}, ports: [{port: 6379}]}}
- {kind: Pod, metadata: {name: postgres-1, labels: {app: postgres}}}
- {kind: Pod, metadata: {name: postgres-0, labels: {app: postgres}}, spec: {containers: [{name: a, ports: [{name: sql, containerPort: 5433}]}]}, status: {conditions: [{type: Ready, status: 'True'}]}}";

    #[test]
    fn an_address_that_a_sentinel_names_leads_to_its_pod() {
        let snapshot = Snapshot::from_recording(
            "takenAt: 2026-11-23T08:00:00Z
namespace: shop
objects:
- {kind: Service, metadata: {name: redis-headless}, spec: {clusterIP: None, selector: {app: redis}, ports: [{port: 6379}]}}
- {kind: Pod, metadata: {name: redis-0, labels: {app: redis}}, status: {podIP: 10.1.0.7}}
- {kind: Pod, metadata: {name: redis-1, labels: {app: redis}}, status: {podIP: 10.1.0.8}}",
        )
        .unwrap();
        let here = Surroundings {
            namespace: "shop",
            services: snapshot.services().unwrap(),
            pods: snapshot.pods().unwrap(),
        };
        for address in ["redis-1.redis-headless.shop.svc:6379", "10.1.0.8:6379"] {
            let reach = here.reach_address(address, 6379).unwrap();
            assert_eq!(reach.object(), "pod/redis-1", "{address}");
        }
        assert_eq!(
            here.reach_address("10.1.0.9:6379", 6379).unwrap().object(),
            "server/10.1.0.9:6379"
        );
        assert!(
            here.reach_address("redis-2.redis-headless.shop.svc:6379", 6379)
                .is_err()
        );
    }

    #[test]
    fn a_host_leads_to_a_ready_pod_or_outside_or_says_why_not() {
        let snapshot = Snapshot::from_recording(OBJECTS).unwrap();
        let here = Surroundings {
            namespace: "shop",
            services: snapshot.services().unwrap(),
            pods: snapshot.pods().unwrap(),
        };
        let pod = Reach::Pod {
            name: "postgres-0".into(),
            port: 5433,
        };
        for host in [
            "postgres",
            "postgres.shop",
            "postgres.shop.svc",
            "postgres.shop.svc.cluster.local",
            "10.1.1.1",
            "postgres-0.postgres",
            "postgres-0.postgres.shop.svc",
        ] {
            assert_eq!(here.reach(host, 0, 5432, None), Ok(pod.clone()), "{host}");
        }
        let second = here.reach("postgres-1.postgres.shop.svc", 0, 5432, None);
        assert!(
            matches!(&second, Ok(Reach::Pod { name, .. }) if name == "postgres-1"),
            "the one that is named, ready or not: {second:?}"
        );
        for host in ["db.example.net", "192.0.2.7", "far"] {
            assert!(
                matches!(here.reach(host, 0, 5432, None), Ok(Reach::Direct { port: 5432, .. })),
                "{host}"
            );
        }
        for (host, why) in [
            ("redis", "no ready pod behind service/redis"),
            ("db", "there is no service `db` in `shop`"),
            (
                "postgres-7.postgres",
                "there is no pod `postgres-7.postgres` behind service/postgres",
            ),
            (
                "db.other.svc",
                "`db.other.svc` is in the namespace `other`, which is not this release's",
            ),
        ] {
            assert_eq!(here.reach(host, 0, 6379, None), Err(why.into()));
        }
    }
}
