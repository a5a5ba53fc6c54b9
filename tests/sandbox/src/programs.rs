//! The programs of a sandbox, linked where its daemons, people and tests find them.
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use crate::{parts::Parts, site::Site};

/// Programs inside the node.
pub(crate) const NODE_PROGRAMS: &[&str] = &[
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "network-policy-controller",
];

/// Programs for people and tests, and what they are among the parts.
const TOOLS: &[(&str, &str)] = &[
    ("helm-3.17", "helm-3.17"),
    ("helm-3.22", "helm-3.22"),
    ("helm-4.1", "helm-4.1"),
    ("helm-4.3", "helm-4.3"),
    ("helm", "helm-4.3"),
    ("kubectl-1.32", "kubectl-1.32"),
    ("kubectl-1.37", "kubectl-1.37"),
    ("kubectl", "kubectl-1.37"),
];

/// Names of programs and where the cache has them.
pub(crate) struct Programs {
    node: Vec<(&'static str, PathBuf)>,
    tools: Vec<(&'static str, PathBuf)>,
}

impl Programs {
    /// Finds these programs of the node, and the tools that the parts hold.
    pub(crate) fn find(parts: &Parts, node: &[&'static str]) -> Result<Self> {
        let find = |name: &'static str, part: &str| Ok((name, parts.binary(part)?));
        Ok(Self {
            node: node.iter().map(|name| find(name, name)).collect::<Result<_>>()?,
            tools: TOOLS
                .iter()
                .filter_map(|(name, part)| Some((*name, parts.binary(part).ok()?)))
                .collect(),
        })
    }

    /// Changes with this program and with those it starts: another digest asks for another node.
    pub(crate) fn digest(&self) -> Result<String> {
        let own = std::env::current_exe().context("can't find this program's own file")?;
        let mut digest = Sha256::new_with_prefix(fs::read(&own).context("can't read this program's own file")?);
        for (_, path) in &self.node {
            digest.update(path.as_os_str().as_encoded_bytes());
        }
        Ok(format!("{:x}", digest.finalize()))
    }

    /// Links those of the node.
    pub(crate) fn install(&self, site: &Site) -> Result<()> {
        link(&site.in_state("bin"), &self.node)
    }

    /// Links those for people and tests.
    pub(crate) fn install_tools(&self, site: &Site) -> Result<()> {
        link(&site.output.join("bin"), &self.tools)
    }
}

fn link(folder: &Path, programs: &[(&str, PathBuf)]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    for (name, target) in programs {
        let link = folder.join(name);
        let _ = fs::remove_file(&link);
        symlink(target, &link).with_context(|| format!("can't link {}", link.display()))?;
    }
    Ok(())
}
