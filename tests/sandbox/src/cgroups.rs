//! The control groups of one node (version 1: one folder in every hierarchy).
use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};

const ROOT: &str = "/sys/fs/cgroup";

/// Makes the node's group in every hierarchy.
pub(crate) fn create(name: &str) -> Result<()> {
    for folder in folders(name)? {
        fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))?;
        // A new cpuset is empty, and an empty one takes no process: pods would fail to start.
        for file in ["cpuset.cpus", "cpuset.mems"] {
            let parent = folder.with_file_name(file);
            if parent.exists() {
                fs::write(folder.join(file), fs::read(&parent)?)
                    .with_context(|| format!("can't set {file} of {}", folder.display()))?;
            }
        }
    }
    Ok(())
}

/// Removes the node's group, as soon as its last process has ended.
pub(crate) fn remove(name: &str) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(10);
    for folder in folders(name)? {
        while let Err(error) = remove_tree(&folder) {
            if Instant::now() > deadline {
                return Err(error).with_context(|| format!("can't remove {}", folder.display()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// Whether the machine's hierarchies are those of version 1, one for each controller.
pub(crate) fn are_version_1() -> bool {
    Path::new(ROOT).join("memory").is_dir()
}

/// The groups of the node that are still there.
pub(crate) fn left(name: &str) -> Result<Vec<PathBuf>> {
    Ok(folders(name)?.into_iter().filter(|folder| folder.exists()).collect())
}

/// The node's folder in every hierarchy. The unified one has no controllers beside version 1, but the container runtime
/// makes groups there too, and leaves them.
fn folders(name: &str) -> Result<Vec<PathBuf>> {
    let mut folders = Vec::new();
    for entry in fs::read_dir(ROOT).with_context(|| format!("can't read {ROOT}"))? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            folders.push(entry.path().join(name));
        }
    }
    Ok(folders)
}

fn remove_tree(folder: &Path) -> std::io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            remove_tree(&entry.path())?;
        }
    }
    fs::remove_dir(folder)
}
