//! Everything the sandbox is made of, built once per machine and kept in a cache that is keyed by its inputs.

mod archive;
mod catalogue;
mod clients;
mod debian;
mod debian_layer;
mod definitions;
mod error;
mod go;
mod identity;
mod image;
mod images;
mod layer;
mod maven;
mod registry;
mod run;
mod store;
mod tracing;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

pub(crate) use error::Error;
pub(crate) use image::Image;

use go::GoProgram;
use images::Programs;
use layer::Layer;
use store::Store;

/// One thing that can be built or fetched on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    /// Packages of the distribution that the node and the builds need.
    DebianPackages,
    /// The API server, controller manager, scheduler, kubelet, proxy and kubectl of the node.
    Kubernetes,
    /// The API server's store.
    Etcd,
    /// Helm and kubectl of several versions, as their projects released them.
    Clients,
    /// Helm 3.22, which no client package holds.
    Helm322,
    /// The cluster's name service.
    CoreDns,
    /// The controller that enforces network policies.
    NetworkPolicyController,
    /// The metrics API.
    MetricsServer,
    /// Storage on the node's own disk.
    LocalPathProvisioner,
    /// Fake nodes and pods, for large clusters.
    Kwok,
    /// Definitions of kinds that other projects ship.
    Definitions,
    /// The aggregator of logs.
    Loki,
    /// The backend of traces.
    Zipkin,
    /// The identity provider, built ahead with its realm.
    Identity,
    /// Container images, without a registry.
    Images,
}

impl Part {
    /// All parts, in the order they are built in.
    pub(crate) const ALL: [Self; 15] = [
        Self::DebianPackages,
        Self::Kubernetes,
        Self::Etcd,
        Self::Clients,
        Self::Helm322,
        Self::CoreDns,
        Self::NetworkPolicyController,
        Self::MetricsServer,
        Self::LocalPathProvisioner,
        Self::Kwok,
        Self::Definitions,
        Self::Loki,
        Self::Zipkin,
        Self::Identity,
        Self::Images,
    ];

    /// What a node and a release take; the other parts are for tests alone, and take minutes to build.
    pub(crate) fn lean() -> Vec<Self> {
        Self::ALL
            .into_iter()
            .filter(|part| !matches!(part, Self::Helm322 | Self::Kwok | Self::Loki | Self::Zipkin))
            .collect()
    }

    /// The Go program that it is, which needs no other part.
    const fn program(self) -> Option<&'static GoProgram> {
        Some(match self {
            Self::Kubernetes => &go::KUBERNETES,
            Self::Etcd => &go::ETCD,
            Self::Helm322 => &go::HELM_322,
            Self::CoreDns => &go::COREDNS,
            Self::NetworkPolicyController => &go::NETWORK_POLICY_CONTROLLER,
            Self::MetricsServer => &go::METRICS_SERVER,
            Self::LocalPathProvisioner => &go::LOCAL_PATH_PROVISIONER,
            Self::Kwok => &go::KWOK,
            Self::Loki => &go::LOKI,
            _ => return None,
        })
    }

    /// Parts that this one is made with.
    fn needs(self) -> &'static [Self] {
        match self {
            Self::Clients | Self::Zipkin | Self::Identity => &[Self::DebianPackages],
            Self::Images => &[
                Self::DebianPackages,
                Self::CoreDns,
                Self::MetricsServer,
                Self::LocalPathProvisioner,
                Self::Identity,
            ],
            _ => &[],
        }
    }
}

/// These parts and those that they are made with, each once, in the order of building.
fn plan(parts: &[Part]) -> Vec<Part> {
    let wanted = |part: &Part| parts.iter().any(|asked| asked == part || asked.needs().contains(part));
    Part::ALL.into_iter().filter(wanted).collect()
}

/// The machine's cache of parts: `${APIMGMT_CACHE:-~/.cache/apimgmt}`.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache of this machine.
    pub(crate) fn of_machine() -> Result<Self, Error> {
        let set = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = set("APIMGMT_CACHE").or_else(|| set("HOME").map(|home| home.join(".cache/apimgmt")));
        Ok(Self {
            root: root.ok_or(Error::NoHome)?,
        })
    }

    /// Builds what is missing, tells `progress` about it, and returns all of `parts`. One builder compiles while the other
    /// fetches.
    pub(crate) fn ensure(&self, parts: &[Part], progress: &(dyn Fn(&str) + Sync)) -> Result<Parts, Error> {
        let plan = plan(parts);
        let is_over = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| self.build_from_the_end(&plan, &is_over, progress));
            let ready = self.build(&plan, progress);
            is_over.store(true, Ordering::Relaxed);
            ready
        })
    }

    /// Builds the programs that need no other part; what fails here, the builder from the other end meets again and tells.
    fn build_from_the_end(&self, plan: &[Part], is_over: &AtomicBool, progress: &(dyn Fn(&str) + Sync)) {
        let programs = plan.iter().rev().filter_map(|part| part.program());
        for program in programs.take_while(|_| !is_over.load(Ordering::Relaxed)) {
            let progress = |line: &str| progress(&format!("[beside] {line}"));
            let store = Store {
                root: &self.root,
                progress: &progress,
            };
            let _told_later = program.ensure(&store);
        }
    }

    fn build(&self, plan: &[Part], progress: &(dyn Fn(&str) + Sync)) -> Result<Parts, Error> {
        let mut ready = Parts {
            root: self.root.clone(),
            programs: Programs::new(),
            images: BTreeMap::new(),
            definitions: None,
            base: None,
        };
        for (number, part) in plan.iter().enumerate() {
            let progress = |line: &str| progress(&format!("[{}/{}] {line}", number + 1, plan.len()));
            ready.add(
                *part,
                &Store {
                    root: &self.root,
                    progress: &progress,
                },
            )?;
        }
        Ok(ready)
    }
}

/// Parts that are ready, and where they are.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    root: PathBuf,
    programs: Programs,
    images: BTreeMap<String, Image>,
    definitions: Option<PathBuf>,
    base: Option<Layer>,
}

impl Parts {
    fn add(&mut self, part: Part, store: &Store) -> Result<(), Error> {
        match part {
            Part::DebianPackages => debian::ensure(store)?,
            Part::Images => {
                let (base, images) = images::ensure(store, &self.programs)?;
                self.images = images.into_iter().map(|image| (image.name.clone(), image)).collect();
                self.base = Some(base);
            }
            Part::Clients => {
                let folder = store.ensure("clients", &clients::key(), |folder| clients::build(store, folder))?;
                self.add_programs(&folder)?;
            }
            Part::Zipkin => {
                let folder = store.ensure("zipkin", &tracing::key(), |folder| tracing::fetch(store, folder))?;
                self.add_programs(&folder)?;
            }
            Part::Definitions => {
                let fetch = |folder: &Path| definitions::fetch(store, folder);
                self.definitions = Some(store.ensure("definitions", &definitions::key(), fetch)?);
            }
            Part::Identity => {
                let folder = store.ensure("identity", &identity::key(), |folder| identity::build(store, folder))?;
                self.programs.insert("keycloak".into(), folder.join("keycloak"));
            }
            _ => {
                if let Some(program) = part.program() {
                    self.add_programs(&program.ensure(store)?)?;
                }
            }
        }
        Ok(())
    }

    /// Adds every file of the entry's `bin`.
    fn add_programs(&mut self, folder: &Path) -> Result<(), Error> {
        let folder = folder.join("bin");
        for file in fs::read_dir(&folder).map_err(Error::file("read", &folder))? {
            let file = file.map_err(Error::file("read", &folder))?;
            self.programs
                .insert(file.file_name().to_string_lossy().into_owned(), file.path());
        }
        Ok(())
    }

    /// Where the program is: `kube-apiserver`, `etcd`, `helm-3.17`, ….
    pub(crate) fn binary(&self, name: &str) -> Result<PathBuf, Error> {
        self.programs.get(name).cloned().ok_or_else(|| Error::Unknown {
            kind: "program",
            name: name.into(),
        })
    }

    /// An image of the cache: `pause`, `busybox`, `postgres`, ….
    pub(crate) fn image(&self, name: &str) -> Result<Image, Error> {
        self.images.get(name).cloned().ok_or_else(|| Error::Unknown {
            kind: "image",
            name: name.into(),
        })
    }

    /// Manifests of the kinds that other projects define.
    pub(crate) fn definitions(&self) -> Result<Vec<String>, Error> {
        let folder = self.definitions.as_ref().ok_or_else(|| Error::Unknown {
            kind: "folder",
            name: "definitions".into(),
        })?;
        let failed = || Error::file("read", folder);
        let entries = fs::read_dir(folder).map_err(failed())?;
        entries
            .map(|entry| fs::read_to_string(entry?.path()))
            .collect::<Result<_, _>>()
            .map_err(failed())
    }

    /// A thin image of one program on the Debian base that the other images share. It runs as user 10001.
    pub(crate) fn image_of_binary(
        &self,
        name: &str,
        tag: &str,
        binary: &Path,
        labels: &[(&str, &str)],
        environment: &[&str],
    ) -> Result<Image, Error> {
        let missing = || Error::Unknown {
            kind: "image",
            name: "debian".into(),
        };
        let base = self.base.as_ref().ok_or_else(missing)?;
        let store = Store {
            root: &self.root,
            progress: &|_| (),
        };
        images::of_binary(&store, base, (name, tag), binary, labels, environment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_has_what_its_parts_are_made_with_before_them() {
        assert_eq!(
            plan(&[Part::Etcd, Part::Kubernetes, Part::Etcd]),
            [Part::Kubernetes, Part::Etcd]
        );
        let images = plan(&[Part::Images]);
        assert_eq!(images.first(), Some(&Part::DebianPackages));
        assert_eq!(images.last(), Some(&Part::Images));
        assert!(images.contains(&Part::CoreDns) && !images.contains(&Part::Kubernetes));
        assert_eq!(plan(&Part::ALL), Part::ALL);
    }

    #[test]
    fn what_is_built_beside_needs_no_other_part() {
        let programs = Part::ALL.into_iter().filter(|part| part.program().is_some());
        assert_eq!(programs.map(|part| part.needs().len()).max(), Some(0));
    }

    #[test]
    fn unknown_names_are_errors_that_say_so() {
        let parts = Parts {
            root: PathBuf::new(),
            programs: Programs::new(),
            images: BTreeMap::new(),
            definitions: None,
            base: None,
        };
        let error = parts.binary("etcd").unwrap_err();
        assert_eq!(
            error.to_string(),
            "no program `etcd` among the parts that were asked for"
        );
        assert!(parts.image("postgres").is_err());
    }
}
