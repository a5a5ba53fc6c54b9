//! Everything the sandbox is made of, built once per machine and kept in a cache that is keyed by its inputs.

use std::path::{Path, PathBuf};

mod error;

pub use error::Error;

/// One thing that can be built or fetched on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
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
    /// Container images, without a registry.
    Images,
}

/// The machine's cache of parts: `${APIMGMT_CACHE:-~/.cache/apimgmt}`.
pub struct Cache {
    root: PathBuf,
}

/// Parts that are ready, and where they are.
pub struct Parts {
    root: PathBuf,
}

/// A container image as files: its blobs are found by digest, and put into a registry or an archive.
#[derive(Clone, Debug)]
pub struct Image {
    /// `postgres`
    pub name: String,
    /// `15`
    pub tag: String,
    /// Digest of the manifest, `sha256:…`: what a registry serves it under.
    pub digest: String,
}

impl Cache {
    /// The cache of this machine.
    pub fn of_machine() -> Result<Self, Error> {
        todo!()
    }

    /// Builds what is missing, tells `progress` about it, and returns all of `parts`.
    pub fn ensure(&self, parts: &[Part], progress: &dyn Fn(&str)) -> Result<Parts, Error> {
        todo!()
    }
}

impl Parts {
    /// Where the program is: `kube-apiserver`, `etcd`, `helm-3.17`, ….
    pub fn binary(&self, name: &str) -> Result<PathBuf, Error> {
        todo!()
    }

    /// An image of the cache: `pause`, `busybox`, `postgres`, ….
    pub fn image(&self, name: &str) -> Result<Image, Error> {
        todo!()
    }

    /// A thin image of one program on the Debian base that the other images share; not root (uid 10001).
    pub fn image_of_binary(
        &self,
        name: &str,
        tag: &str,
        binary: &Path,
        labels: &[(&str, &str)],
        environment: &[(&str, &str)],
    ) -> Result<Image, Error> {
        todo!()
    }
}

impl Image {
    /// The name the container runtime knows it by once its archive is imported: `localhost/pause:1`.
    pub fn reference(&self) -> String {
        format!("localhost/{}:{}", self.name, self.tag)
    }

    /// Writes an archive that `ctr images import` takes (layout of OCI and of `docker save` in one).
    pub fn write_archive(&self, to: &Path) -> Result<(), Error> {
        todo!()
    }

    /// Puts the image into the storage folder of a registry (`docker-registry` of Debian) as `repository:tag`, under
    /// `self.digest`, by hard links: as if it had been pushed. Works while the registry runs.
    pub fn add_to_registry(&self, storage: &Path, repository: &str) -> Result<(), Error> {
        todo!()
    }
}
