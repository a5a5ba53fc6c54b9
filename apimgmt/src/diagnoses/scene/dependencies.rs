//! What a workload depends on: the services whose addresses its configuration holds or its logs complain about.

use std::collections::{BTreeMap, HashMap};

use super::{
    Backing, Refusal, Scene,
    addresses::{Target, complaint, written},
    health::is_initial,
};
use crate::snapshot::{
    Pod, PodSpec, Unreadable,
    pods::{Container, EnvironmentVariable},
    sensitive::{Sensitive, named},
};

/// Endings of variables whose whole value is a host's name.
const NAMES_OF_HOSTS: &[&str] = &["HOST", "HOSTNAME", "SERVER", "ADDR", "ADDRESS", "ENDPOINT", "BROKER"];

/// One dependency on a service here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Need<'a> {
    /// The service.
    pub(crate) service: &'a str,
    /// The address as it is written.
    pub(crate) address: String,
    /// Where it is written, for a person.
    pub(crate) written_in: String,
}

impl<'a> Scene<'a> {
    /// The services that a pod's workload depends on, without those that the pod itself is behind.
    pub(crate) fn needs(&self, pod: &Pod) -> &[Need<'a>] {
        self.needs_by_workload()
            .get(&self.workload(pod))
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// Asks for what dependencies are read from, so that what a diagnosis read does not depend on what it found.
    pub(crate) fn ask_dependencies(&self) {
        let snapshot = self.snapshot;
        let _ = (
            snapshot.secrets(),
            snapshot.config_maps(),
            snapshot.logs(),
            snapshot.services(),
            snapshot.endpoint_slices(),
        );
    }

    /// The current pods that depend on a service.
    pub(crate) fn dependents(&self, service: &str) -> &[&'a Pod] {
        self.ask_dependencies();
        let pods = self.current().unwrap_or_default();
        let index = self.dependents.get_or_init(|| {
            let mut index: HashMap<&'a str, Vec<&'a Pod>> = HashMap::new();
            for pod in pods {
                for need in self.needs(pod) {
                    index.entry(need.service).or_default().push(pod);
                }
            }
            index
        });
        index.get(service).map(Vec::as_slice).unwrap_or_default()
    }

    /// The services that a pod depends on and that nothing answers for now.
    pub(crate) fn missing(&self, pod: &Pod) -> Vec<&Backing<'a>> {
        let Ok(backings) = self.backings() else {
            return Vec::new();
        };
        let needed = self.needs(pod).iter().filter_map(|need| backings.get(need.service));
        needed.filter(|backing| backing.is_down()).collect()
    }

    fn needs_by_workload(&self) -> &HashMap<String, Vec<Need<'a>>> {
        self.ask_dependencies();
        self.needs.get_or_init(|| {
            let mut needs: HashMap<String, BTreeMap<&'a str, Need<'a>>> = HashMap::new();
            for pod in self.current().unwrap_or_default() {
                let workload = self.workload(pod);
                // Pods of one workload have one configuration: the first one stands for all.
                let is_new = !needs.contains_key(&workload);
                let known = needs.entry(workload).or_default();
                if is_new {
                    for (target, written_in) in self.addresses(&pod.spec) {
                        self.note(known, pod, &target, written_in);
                    }
                }
                for refusal in self.refusals(pod) {
                    if let Some(target) = &refusal.target {
                        self.note(known, pod, target, format!("the log of {}", refusal.container));
                    }
                }
            }
            needs
                .into_iter()
                .map(|(workload, known)| (workload, known.into_values().collect()))
                .collect()
        })
    }

    fn note(&self, known: &mut BTreeMap<&'a str, Need<'a>>, pod: &Pod, target: &Target, written_in: String) {
        let Some(backing) = self.service_at(&target.host) else {
            return;
        };
        if !super::services::selects(&backing.service.spec.selector, &pod.metadata.labels) {
            let service = backing.service.metadata.name.as_str();
            let address = target.to_string();
            known.entry(service).or_insert(Need {
                service,
                address,
                written_in,
            });
        }
    }

    /// The addresses in a pod's configuration, each with where it is written.
    pub(crate) fn addresses(&self, spec: &PodSpec) -> Vec<(Target, String)> {
        let containers = spec.containers.iter().chain(&spec.init_containers);
        containers
            .flat_map(|container| self.container_addresses(container, spec))
            .collect()
    }

    /// The addresses in one container's configuration.
    pub(crate) fn container_addresses(&self, container: &Container, spec: &PodSpec) -> Vec<(Target, String)> {
        let secrets = self.snapshot.secrets().map(Vec::as_slice).unwrap_or_default();
        let config_maps = self.snapshot.config_maps().map(Vec::as_slice).unwrap_or_default();
        let mut found = Vec::new();
        for variable in &container.env {
            self.of_variable(variable, secrets, config_maps, &mut found);
        }
        for source in &container.env_from {
            let secret = source.secret_ref.as_ref().map(|it| (secrets, &it.name, "secret"));
            let config_map = source
                .config_map_ref
                .as_ref()
                .map(|it| (config_maps, &it.name, "configmap"));
            for (objects, name, kind) in secret.into_iter().chain(config_map) {
                for (key, facts) in named(objects, name).into_iter().flat_map(|object| &object.facts) {
                    let address = facts.address.as_ref().map(|it| Target {
                        host: it.host.clone(),
                        port: it.port,
                    });
                    found.extend(address.map(|target| (target, format!("{kind}/{name} key {key}"))));
                }
            }
        }
        self.of_arguments(container, spec, &mut found);
        found
    }

    fn of_variable(
        &self,
        variable: &EnvironmentVariable,
        secrets: &[Sensitive],
        config_maps: &[Sensitive],
        found: &mut Vec<(Target, String)>,
    ) {
        if let Some(text) = variable.value.as_ref().and_then(|literal| literal.text()) {
            let place = || format!("variable {}", variable.name);
            let targets = written(text);
            let is_name = targets.is_empty()
                && NAMES_OF_HOSTS
                    .iter()
                    .any(|ending| variable.name.to_ascii_uppercase().ends_with(ending));
            if is_name && self.service_at(text).is_some() {
                found.push((
                    Target {
                        host: text.into(),
                        port: 0,
                    },
                    place(),
                ));
            }
            found.extend(targets.into_iter().map(|target| (target, place())));
        }
        let source = variable.value_from.as_ref();
        let secret = source
            .and_then(|it| it.secret_key_ref.as_ref())
            .map(|it| (secrets, it, "secret"));
        let config_map = source
            .and_then(|it| it.config_map_key_ref.as_ref())
            .map(|it| (config_maps, it, "configmap"));
        for (objects, reference, kind) in secret.into_iter().chain(config_map) {
            let facts = named(objects, &reference.name).and_then(|object| object.facts.get(&reference.key));
            let address = facts.and_then(|facts| facts.address.as_ref());
            found.extend(address.map(|it| {
                let target = Target {
                    host: it.host.clone(),
                    port: it.port,
                };
                (target, format!("{kind}/{} key {}", reference.name, reference.key))
            }));
        }
    }

    /// Addresses in a command line; a bare name counts where a host is expected: after `-h`, or in a container that waits.
    fn of_arguments(&self, container: &Container, spec: &PodSpec, found: &mut Vec<(Target, String)>) {
        let waits = spec.init_containers.iter().any(|it| it.name == container.name);
        let place = || format!("command of {}", container.name);
        for text in container
            .command
            .iter()
            .chain(&container.args)
            .filter_map(|literal| literal.text())
        {
            found.extend(written(text).into_iter().map(|target| (target, place())));
            let words: Vec<&str> = text
                .split(|letter: char| letter.is_whitespace() || ";'\"()|&$`=".contains(letter))
                .collect();
            let bare = words.iter().enumerate().filter(|(index, word)| {
                let flagged = index
                    .checked_sub(1)
                    .is_some_and(|before| matches!(words[before], "-h" | "--host"));
                (flagged || waits) && !word.is_empty() && self.service_at(word).is_some()
            });
            found.extend(bare.map(|(_, word)| {
                (
                    Target {
                        host: (*word).into(),
                        port: 0,
                    },
                    place(),
                )
            }));
        }
    }

    /// The latest complaint about each dependency in the logs of a pod's containers.
    pub(crate) fn refusals(&self, pod: &'a Pod) -> Vec<Refusal<'a>> {
        let mut refusals: Vec<Refusal<'a>> = Vec::new();
        for status in pod.statuses() {
            let is_done =
                is_initial(pod, &status.name) && status.state.terminated.as_ref().is_some_and(|it| it.exit_code == 0);
            if is_done || (status.ready && status.state.running.is_some()) {
                continue;
            }
            for previous in [false, true] {
                for line in self.log(pod, &status.name, previous).iter().rev() {
                    // A server that gives its reason has been reached.
                    if crate::signatures::answer(line).is_some() {
                        continue;
                    }
                    let Some((manner, targets)) = complaint(line) else {
                        continue;
                    };
                    let known = targets
                        .iter()
                        .find_map(|target| Some((target, self.service_at(&target.host)?)));
                    let target = known.map(|(target, _)| target).or(targets.first()).cloned();
                    let service = known.map(|(_, backing)| backing.service.metadata.name.as_str());
                    if !refusals.iter().any(|it| {
                        it.service == service
                            && it.target.as_ref().map(|it| &it.host) == target.as_ref().map(|it| &it.host)
                    }) {
                        refusals.push(Refusal {
                            manner,
                            target,
                            service,
                            container: &status.name,
                            previous,
                            line,
                        });
                    }
                }
            }
        }
        refusals
    }

    /// Whether a complaint holds now: the service still has nobody behind it, or none of that name is here.
    pub(crate) fn backing(&self, service: &str) -> Result<Option<&Backing<'a>>, Unreadable> {
        Ok(self.backings()?.get(service))
    }
}
