//! Who plays the application, the database and the cache: by what is declared, else by labels, else by image and port.

use super::{
    LabelSelector, Labels, Metadata, Pod, PodSpec, Port, Shared, Snapshot, Source, Unreadable, Why,
    services::{Service, ServicePort},
};

/// A part of the platform and what plays it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Role {
    /// `kind/name`: `deployment/api-management`, `pod/redis`.
    pub workload: String,
    /// Whose pods play it.
    pub selector: LabelSelector,
    /// Wanted pods.
    pub replicas: i64,
    /// It is declared in `checklist.roles`, but is not there.
    pub missing: bool,
    /// The pods' specification: containers, environment, volumes.
    pub template: Shared<PodSpec>,
    /// Annotations of the workload, such as the range of schemas that it can run on.
    pub annotations: Shared<Labels>,
    /// The service in front of it.
    pub service: Option<String>,
    /// Port that its pods listen on.
    pub port: u16,
}

/// Who plays what; `None` when nobody does.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Roles {
    /// The application.
    pub application: Option<Role>,
    /// PostgreSQL.
    pub database: Option<Role>,
    /// Redis.
    pub cache: Option<Role>,
    /// What stands before the database and shares its connections.
    pub pooler: Option<Role>,
}

/// How a part is recognised.
struct Part {
    /// Its key in `checklist.roles`.
    key: &'static str,
    /// Values of `app.kubernetes.io/component`.
    components: &'static [&'static str],
    /// Values of `app.kubernetes.io/name`.
    names: &'static [&'static str],
    /// Values of the label `app`.
    apps: &'static [&'static str],
    /// Last segments of image repositories.
    images: &'static [&'static str],
    /// Usual port.
    port: u16,
}

const APPLICATION: Part = Part {
    key: "application",
    components: &["application"],
    names: &["api-management", "integration-api-management"],
    apps: &["api-management", "integration-api-management"],
    images: &["api-management", "integration-api-management"],
    port: 8080,
};

const DATABASE: Part = Part {
    key: "database",
    components: &["database", "postgresql", "postgres"],
    names: &["postgresql", "postgres"],
    apps: &["postgres", "postgresql"],
    images: &["postgres", "postgresql", "postgis", "timescaledb", "spilo"],
    port: 5432,
};

const CACHE: Part = Part {
    key: "cache",
    components: &["cache", "redis", "valkey"],
    names: &["redis", "valkey"],
    apps: &["redis", "valkey"],
    images: &["redis", "valkey", "redis-server", "keydb"],
    port: 6379,
};

const POOLER: Part = Part {
    key: "pooler",
    components: &["pooler"],
    names: POOLERS,
    apps: POOLERS,
    images: POOLERS,
    port: 6432,
};

/// Programs that stand before a database and share its connections.
pub(crate) const POOLERS: &[&str] = &["pgbouncer", "pgcat", "odyssey", "pgpool", "pgdog"];

/// Components that stand beside a part and are not it, whatever their name label says.
const COMPANIONS: &[&str] = &[
    "metrics",
    "exporter",
    "monitoring",
    "backup",
    "migration",
    "sentinel",
    "pooler",
    "test",
];

/// Something that may play a part.
struct Candidate<'a> {
    kind: &'static str,
    metadata: &'a Metadata,
    labels: &'a Labels,
    selector: LabelSelector,
    replicas: i64,
    template: &'a Shared<PodSpec>,
}

impl Roles {
    /// What finding them reads; units that ask for roles declare these.
    pub const READS: &'static [Source] = &[
        Source::Expectations,
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
    ];

    /// Finds them.
    ///
    /// # Errors
    /// When one of [`Self::READS`] could not be read, or a declared role is not written as `KIND/NAME`.
    pub fn of(snapshot: &Snapshot) -> Result<Self, Unreadable> {
        let candidates = candidates(snapshot)?;
        let services = snapshot.services()?;
        let declared = &snapshot.expectations()?.roles;
        let find = |part: &Part, strangers: &[&Role]| -> Result<Option<Role>, Unreadable> {
            let Some(declared) = declared.get(part.key) else {
                return Ok(recognised(&candidates, part, strangers).map(|candidate| role(candidate, part, services)));
            };
            let (kind, name) = declared.split_once('/').ok_or_else(|| {
                let message = format!(
                    "`checklist.roles.{}` is `{declared}`, not `KIND/NAME` as `deployment/app` is",
                    part.key
                );
                Unreadable::new(Source::Expectations, &snapshot.namespace, Why::Failed(message))
            })?;
            let found = candidates
                .iter()
                .find(|candidate| candidate.kind == kind && candidate.metadata.name == name);
            Ok(Some(found.map_or_else(
                || Role {
                    workload: declared.clone(),
                    missing: true,
                    port: part.port,
                    ..Role::default()
                },
                |candidate| role(candidate, part, services),
            )))
        };
        let database = find(&DATABASE, &[])?;
        let cache = find(&CACHE, &[])?;
        let pooler = find(&POOLER, &[])?;
        let taken: Vec<&Role> = database.iter().chain(&cache).chain(&pooler).collect();
        let application = find(&APPLICATION, &taken)?;
        Ok(Self {
            application,
            database,
            cache,
            pooler,
        })
    }
}

impl Role {
    /// Its pods.
    pub fn pods<'a>(&'a self, pods: &'a [Pod]) -> impl Iterator<Item = &'a Pod> {
        let alone = self.workload.strip_prefix("pod/");
        pods.iter().filter(move |pod| match alone {
            Some(name) => pod.metadata.name == name,
            None => !self.missing && !is_of_job(pod) && self.selector.matches(&pod.metadata.labels),
        })
    }

    /// Its pods that are ready.
    pub fn ready_pods<'a>(&'a self, pods: &'a [Pod]) -> impl Iterator<Item = &'a Pod> {
        self.pods(pods).filter(|pod| pod.is_ready())
    }
}

fn is_of_job(pod: &Pod) -> bool {
    pod.metadata.controller().is_some_and(|owner| owner.kind == "Job")
}

fn candidates(snapshot: &Snapshot) -> Result<Vec<Candidate<'_>>, Unreadable> {
    let stateful_sets = snapshot.stateful_sets()?.iter().map(|set| Candidate {
        kind: "statefulset",
        metadata: &set.metadata,
        labels: &set.spec.template.metadata.labels,
        selector: set.spec.selector.clone(),
        replicas: set.spec.replicas.unwrap_or(1),
        template: &set.spec.template.spec,
    });
    let deployments = snapshot.deployments()?.iter().map(|deployment| Candidate {
        kind: "deployment",
        metadata: &deployment.metadata,
        labels: &deployment.spec.template.metadata.labels,
        selector: deployment.spec.selector.clone(),
        replicas: deployment.spec.replicas.unwrap_or(1),
        template: &deployment.spec.template.spec,
    });
    // Pods by themselves, and those of an operator's own kinds.
    let bare = |pod: &&Pod| {
        pod.metadata
            .controller()
            .is_none_or(|owner| !["ReplicaSet", "StatefulSet", "Job", "DaemonSet"].contains(&owner.kind.as_str()))
    };
    let pods = snapshot.pods()?.iter().filter(bare).map(|pod| Candidate {
        kind: "pod",
        metadata: &pod.metadata,
        labels: &pod.metadata.labels,
        selector: LabelSelector::default(),
        replicas: 1,
        template: &pod.spec,
    });
    Ok(stateful_sets.chain(deployments).chain(pods).collect())
}

/// The candidate that shows a part most clearly; the first of equals, and stateful sets stand first.
fn recognised<'a, 'b>(candidates: &'b [Candidate<'a>], part: &Part, taken: &[&Role]) -> Option<&'b Candidate<'a>> {
    let is_taken = |candidate: &&Candidate<'_>| taken.iter().any(|role| role.workload == candidate.object());
    let clearest = candidates
        .iter()
        .filter(|candidate| !is_taken(candidate))
        .map(|candidate| (candidate.clarity(part), candidate))
        .filter(|(clarity, _)| *clarity > 0)
        .rev()
        .max_by_key(|(clarity, _)| *clarity)
        .map(|(_, candidate)| candidate);
    // What takes HTTP where nothing else does is the application, unless there are two of that kind.
    let by_port = || {
        let mut serving = candidates.iter().filter(|candidate| {
            part.key == APPLICATION.key
                && !is_taken(candidate)
                && !candidate.is_companion()
                && candidate.label("component") != Some("monitoring")
                && candidate.declares(part.port)
        });
        serving.next().filter(|_| serving.next().is_none())
    };
    clearest.or_else(by_port)
}

impl Candidate<'_> {
    fn object(&self) -> String {
        format!("{}/{}", self.kind, self.metadata.name)
    }

    fn label(&self, key: &str) -> Option<&str> {
        self.labels
            .get(key)
            .or_else(|| self.metadata.labels.get(key))
            .map(String::as_str)
    }

    fn is_companion(&self) -> bool {
        self.label("app.kubernetes.io/component")
            .is_some_and(|component| COMPANIONS.contains(&component))
    }

    fn declares(&self, port: u16) -> bool {
        self.template
            .containers
            .iter()
            .flat_map(|container| &container.ports)
            .any(|declared| declared.container_port == port)
    }

    /// How clearly it shows that it plays a part; 0 for not at all.
    fn clarity(&self, part: &Part) -> u8 {
        let is = |key: &str, values: &[&str]| self.label(key).is_some_and(|value| values.contains(&value));
        if is("app.kubernetes.io/component", part.components) {
            return 5;
        }
        if self.is_companion() {
            return 0;
        }
        if is("app.kubernetes.io/name", part.names) {
            let takes_writes = is("app.kubernetes.io/component", &["primary", "master"]);
            return if takes_writes { 4 } else { 3 };
        }
        if is("app", part.apps) {
            return 2;
        }
        let by_image = self
            .template
            .containers
            .iter()
            .any(|container| part.images.contains(&image_name(&container.image)));
        u8::from(by_image)
    }
}

/// The last segment of an image's repository, without tag and digest.
fn image_name(image: &str) -> &str {
    let image = image.split('@').next().unwrap_or(image);
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split(':').next().unwrap_or(last)
}

fn role(candidate: &Candidate<'_>, part: &Part, services: &[Service]) -> Role {
    let mut behind: Vec<&Service> = services
        .iter()
        .filter(|service| !service.spec.selector.is_empty())
        .filter(|service| {
            service
                .spec
                .selector
                .iter()
                .all(|(key, value)| candidate.labels.get(key) == Some(value))
        })
        .collect();
    // The plain service before the headless one, which only names pods.
    behind.sort_by_key(|service| (service.spec.cluster_ip == "None", service.metadata.name.clone()));
    let service = behind.first();
    let target = service.and_then(|service| {
        let usual = service.spec.ports.iter().find(|port| port.port == part.port);
        usual
            .or(service.spec.ports.first())
            .and_then(|port| target_port(port, candidate.template))
    });
    let declared = candidate
        .template
        .containers
        .iter()
        .filter(|container| part.images.contains(&image_name(&container.image)))
        .chain(&candidate.template.containers)
        .flat_map(|container| &container.ports)
        .map(|port| port.container_port)
        .next();
    let usual = candidate.declares(part.port).then_some(part.port);
    Role {
        workload: candidate.object(),
        selector: candidate.selector.clone(),
        replicas: candidate.replicas,
        missing: false,
        template: candidate.template.clone(),
        annotations: candidate.metadata.annotations.clone(),
        service: service.map(|service| service.metadata.name.clone()),
        port: target.or(usual).or(declared).unwrap_or(part.port),
    }
}

/// The port of the pods that a port of a service leads to.
pub fn target_port(port: &ServicePort, template: &PodSpec) -> Option<u16> {
    match &port.target_port {
        None | Some(Port::Number(0)) => Some(port.port),
        Some(Port::Number(number)) => Some(*number),
        Some(Port::Name(name)) => template
            .containers
            .iter()
            .flat_map(|container| &container.ports)
            .find(|declared| declared.name == *name)
            .map(|declared| declared.container_port),
    }
}

#[cfg(test)]
mod tests;
