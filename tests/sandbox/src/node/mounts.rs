//! What the node sees at places that belong to the machine: its own folders, mounted in its own mount namespace.
use std::{fs, path::Path};

use anyhow::{Context, Result};
use rustix::mount::{MountFlags, MountPropagationFlags, mount, mount_bind, mount_change};

use crate::{
    file,
    site::{DNS_ADDRESS, NODE_ADDRESS, Site},
};

/// Folders of the state that stand in for the machine's, and the names they have inside.
const FOLDERS: &[(&str, &str)] = &[
    ("log", "/var/log"),
    ("cni", "/var/lib/cni"),
    ("kubelet", "/var/lib/kubelet"),
];

/// Empty folders that the machine must have so that something can be mounted there. They stay empty.
pub(super) fn prepare_machine() -> Result<()> {
    for (_, place) in FOLDERS {
        fs::create_dir_all(place).with_context(|| format!("can't make {place}"))?;
    }
    Ok(())
}

/// Mounts everything; the mounts go with the namespace.
pub(super) fn enter(site: &Site) -> Result<()> {
    mount("tmpfs", "/run", "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, None)
        .context("can't mount a tmpfs on /run")?;
    fs::create_dir_all("/run/lock")?;
    for (folder, place) in FOLDERS {
        let source = site.in_state(folder);
        fs::create_dir_all(&source)?;
        bind(&source, Path::new(place))?;
    }
    let volumes = site.in_state("volumes");
    fs::create_dir_all(&volumes)?;
    bind(&volumes, &volumes)?;
    // Volumes mounted by the kubelet must be seen by containers that mount the folder around them.
    for place in [Path::new("/var/lib/kubelet"), &volumes] {
        mount_change(place, MountPropagationFlags::SHARED | MountPropagationFlags::REC)
            .with_context(|| format!("can't share the mounts below {}", place.display()))?;
    }
    let hosts = site.in_state("etc/hosts");
    file::write(
        &hosts,
        &format!("127.0.0.1 localhost\n{NODE_ADDRESS} node1 registry.sandbox.test\n"),
    )?;
    bind(&hosts, Path::new("/etc/hosts"))?;
    // The node asks the cluster's name service, as nothing else can be reached: a name outside doesn't exist, rather
    // than take long to fail.
    let resolver = site.in_state("etc/node-resolv.conf");
    file::write(&resolver, &format!("nameserver {DNS_ADDRESS}\n"))?;
    if Path::new("/etc/resolv.conf").exists() {
        bind(&resolver, Path::new("/etc/resolv.conf"))?;
    }
    Ok(())
}

fn bind(source: &Path, place: &Path) -> Result<()> {
    mount_bind(source, place).with_context(|| format!("can't mount {} on {}", source.display(), place.display()))
}
