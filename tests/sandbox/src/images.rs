//! Images of the node: imported into its container runtime, or laid into its registry.
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::{
    addons,
    node::lifetime::run_inside,
    parts::{Image, Parts},
    progress::Progress,
    record::Record,
    site::{REGISTRY, Site},
};

/// Imports the images that the node itself needs.
pub(crate) fn import(record: &Record, parts: &Parts) -> Result<()> {
    for name in addons::IMAGES {
        import_archive(record, &parts.image(name)?.archive()?)?;
    }
    Ok(())
}

/// `sandbox load-image`.
pub(crate) fn load(site: &Site, files: &[PathBuf], progress: &Progress) -> Result<()> {
    let record = Record::read(site)?;
    for file in files {
        let file = file
            .canonicalize()
            .with_context(|| format!("can't find {}", file.display()))?;
        for line in import_archive(&record, &file)?.lines() {
            progress.say(line);
        }
    }
    Ok(())
}

fn import_archive(record: &Record, archive: &Path) -> Result<String> {
    let path = archive
        .to_str()
        .with_context(|| format!("{} is not a plain name", archive.display()))?;
    run_inside(
        record,
        "/usr/bin/ctr",
        &["--namespace=k8s.io", "images", "import", path],
    )
}

/// Whether the container runtime answers.
pub(crate) fn runtime_answers(record: &Record) -> bool {
    run_inside(record, "/usr/bin/ctr", &["version"]).is_ok()
}

/// An image in the registry.
pub(crate) struct Pushed {
    pub(crate) repository: String,
    pub(crate) tag: String,
    pub(crate) digest: String,
}

impl Pushed {
    /// The first image of a name among those that were pushed.
    pub(crate) fn find<'a>(pushed: &'a [Self], name: &str) -> Option<&'a Self> {
        pushed
            .iter()
            .find(|image| image.repository.rsplit('/').next() == Some(name))
    }

    /// As pods name it.
    pub(crate) fn reference(&self) -> String {
        format!("{}:{}@{}", self.repository, self.tag, self.digest)
    }
}

/// Lays an image into the registry's storage, where it stays: nothing happens for one that is there already.
pub(crate) fn push(site: &Site, image: &Image) -> Result<Pushed> {
    image.add_to_registry(&site.in_state("registry"), &image.name)?;
    Ok(Pushed {
        repository: format!("{REGISTRY}/{}", image.name),
        tag: image.tag.clone(),
        digest: image.digest.clone(),
    })
}
