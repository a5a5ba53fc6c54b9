//! The sample application: built by cargo from this checkout, and put into the registry in two versions.
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{images, images::Pushed, parts::Parts, progress::Progress, site::Site};

/// The versions of one and the same program, so that a release can be upgraded and rolled back.
const VERSIONS: &[&str] = &["1.0.0", "1.1.0"];

/// Images of the release that are not the application's.
const OTHERS: &[&str] = &[
    "postgres",
    "redis",
    "prometheus",
    "alertmanager",
    "postgres-exporter",
    "redis-exporter",
    "busybox",
];

/// Puts every image of the release into the registry.
pub(crate) fn push_all(site: &Site, parts: &Parts, binary: Option<&Path>, progress: &Progress) -> Result<Vec<Pushed>> {
    let binary = binary.map_or_else(|| build(site), |binary| Ok(binary.to_owned()))?;
    let mut pushed = Vec::new();
    for version in VERSIONS {
        let labels = [("org.opencontainers.image.version", *version)];
        let image = parts.image_of_binary("api-management", version, &binary, &labels, &[])?;
        pushed.push(images::push(site, &image)?);
    }
    for name in OTHERS {
        pushed.push(images::push(site, &parts.image(name)?)?);
    }
    progress.say(format!("{} images in the registry", pushed.len()));
    Ok(pushed)
}

/// Cargo knows whether anything has changed; if not, this takes a fraction of a second.
fn build(site: &Site) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .args(["build", "--release", "--quiet", "--package", "sample-app"])
        .current_dir(&site.checkout)
        .status()
        .context("can't run cargo to build the sample application")?;
    ensure!(status.success(), "cargo can't build the sample application, see above");
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| site.checkout.join("target"), PathBuf::from);
    Ok(target.join("release/sample-app"))
}
