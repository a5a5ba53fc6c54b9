//! Where one checkout's sandbox lives: everything that must differ between two checkouts derives from the checkout's path.
use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

/// The address of the node inside its network namespace, the same in every sandbox.
pub(crate) const NODE_ADDRESS: &str = "192.168.111.1";
/// The Service addresses.
pub(crate) const SERVICE_RANGE: &str = "10.96.0.0/16";
/// The pod addresses.
pub(crate) const POD_RANGE: &str = "10.244.0.0/16";
/// The cluster's name server.
pub(crate) const DNS_ADDRESS: &str = "10.96.0.10";
/// The registry as images name it.
pub(crate) const REGISTRY: &str = "registry.sandbox.test:5000";
/// The public host of the release.
pub(crate) const HOST: &str = "api-management.sandbox.test";

/// The names and folders of one checkout's sandbox.
#[derive(Clone)]
pub(crate) struct Site {
    /// The source tree that this sandbox belongs to.
    pub(crate) checkout: PathBuf,
    /// Eight hexadecimal digits of the checkout's path.
    pub(crate) identity: String,
    /// What people and tests read: kubeconfig, values, tools.
    pub(crate) output: PathBuf,
    /// What the node writes: images, volumes, logs, sockets (whose paths must stay under 108 bytes).
    pub(crate) state: PathBuf,
    /// `SANDBOX=light`: plain processes, no namespaces.
    pub(crate) light: bool,
}

impl Site {
    /// The site of the checkout around the working directory, or else of the one that this binary was built in.
    pub(crate) fn find() -> Result<Self> {
        let working = std::env::current_dir().context("can't read the working directory")?;
        let built_in = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = working
            .ancestors()
            .chain(built_in.ancestors())
            .find(|folder| folder.join("tests/sandbox/Cargo.toml").is_file())
            .context("no checkout here\nhint: run `sandbox` inside a checkout of apimgmt")?;
        let site = Self::at(checkout)?;
        Ok(if std::env::var_os("SANDBOX").is_some_and(|kind| kind == "light") {
            site.into_light()
        } else {
            site
        })
    }

    /// The site of a given checkout.
    pub(crate) fn at(checkout: &Path) -> Result<Self> {
        let checkout = checkout
            .canonicalize()
            .with_context(|| format!("can't resolve {}", checkout.display()))?;
        let digest = format!("{:x}", Sha256::digest(checkout.as_os_str().as_encoded_bytes()));
        let identity = digest[..8].to_owned();
        Ok(Self {
            output: checkout.join("target/sandbox"),
            state: Path::new("/var/lib/apimgmt-sandbox").join(&identity),
            identity,
            checkout,
            light: false,
        })
    }

    /// The same checkout's sandbox of plain processes, which needs no folder outside the checkout.
    pub(crate) fn into_light(self) -> Self {
        Self {
            state: self.output.join("light"),
            light: true,
            ..self
        }
    }

    /// The cgroup of the node's pods. A kubelet removes pod cgroups that it doesn't know, so each node needs its own.
    pub(crate) fn cgroup(&self) -> String {
        format!("apimgmt-{}", self.identity)
    }

    /// Keeps other commands that start or end this sandbox waiting, until the returned file is dropped.
    pub(crate) fn lock(&self) -> Result<File> {
        fs::create_dir_all(&self.state)
            .and_then(|()| File::create(self.in_state("lock")))
            .and_then(|file| file.lock().map(|()| file))
            .with_context(|| format!("can't lock {}\nhint: the sandbox takes root", self.text("lock")))
    }

    /// A file or folder of the node's state.
    pub(crate) fn in_state(&self, path: &str) -> PathBuf {
        self.state.join(path)
    }

    /// The same as text, for flags and configuration files.
    pub(crate) fn text(&self, path: &str) -> String {
        self.in_state(path).display().to_string()
    }

    /// A program of the node: a link to what the cache holds.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.state.join("bin").join(name)
    }

    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.output.join("kubeconfig")
    }

    /// Where ports are looked for first, so that two checkouts rarely ask for the same.
    pub(crate) fn first_port(&self) -> u16 {
        let number = u16::from_str_radix(&self.identity[..4], 16).unwrap_or_default();
        20_000 + (number % 1_000) * 10
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_checkouts_share_no_name() {
        let parent = tempfile::tempdir().unwrap();
        let sites = ["first", "second"].map(|name| {
            let checkout = parent.path().join(name);
            std::fs::create_dir(&checkout).unwrap();
            Site::at(&checkout).unwrap()
        });
        let [first, second] = sites;
        assert_ne!(first.identity, second.identity);
        assert_ne!(first.cgroup(), second.cgroup());
        assert_ne!(first.state, second.state);
        assert_ne!(first.kubeconfig(), second.kubeconfig());
    }

    #[test]
    fn the_same_checkout_keeps_its_names_through_a_link() {
        let parent = tempfile::tempdir().unwrap();
        let checkout = parent.path().join("real");
        std::fs::create_dir(&checkout).unwrap();
        let link = parent.path().join("link");
        std::os::unix::fs::symlink(&checkout, &link).unwrap();
        assert_eq!(Site::at(&checkout).unwrap().identity, Site::at(&link).unwrap().identity);
    }

    #[test]
    fn sockets_fit_their_limit() {
        let site = Site::at(Path::new("/")).unwrap();
        assert!(site.text("run/registry.sock").len() < 108);
    }
}
