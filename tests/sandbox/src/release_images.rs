//! The images of the release in the sandbox's registry: those of the parts, and those of programs of this checkout.
use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::{images, images::Pushed, parts::Parts, progress::Progress, site::Site};

/// Programs of this checkout, with the names and versions of their images. The application is one and the same program
/// in two versions, so that a release can be upgraded and rolled back.
const OWN: &[(&str, &str, &[&str])] = &[
    ("sample-app", "api-management", &["1.0.0", "1.1.0"]),
    ("grafana-double", "grafana-double", &["1.0.0"]),
    ("alert-receiver", "alert-receiver", &["1.0.0"]),
    ("kubectl-apimgmt", "kubectl-apimgmt", &["1.0.0"]),
];

/// Images of the parts that every sandbox has.
const OTHERS: &[&str] = &[
    "postgres",
    "redis",
    "prometheus",
    "alertmanager",
    "postgres-exporter",
    "redis-exporter",
    "blackbox-exporter",
    "busybox",
    // Not of the release: it runs beside it.
    "keycloak",
];

/// Images of the parts that a lean sandbox does without; they run beside the release, too.
const OPTIONAL: &[&str] = &["loki", "zipkin"];

/// Puts every image into the registry. The programs are in a folder, or are built with cargo.
pub(crate) fn push(site: &Site, parts: &Parts, programs: Option<&Path>, progress: &Progress) -> Result<Vec<Pushed>> {
    let programs = programs.map_or_else(|| build(site), |programs| Ok(programs.to_owned()))?;
    let mut pushed = Vec::new();
    for (program, name, versions) in OWN {
        for version in *versions {
            let labels = [("org.opencontainers.image.version", *version)];
            let image = parts.image_of_binary(name, version, &programs.join(program), &labels, &[])?;
            pushed.push(images::push(site, &image)?);
        }
    }
    for name in OTHERS {
        pushed.push(images::push(site, &parts.image(name)?)?);
    }
    for image in OPTIONAL.iter().filter_map(|name| parts.image(name).ok()) {
        pushed.push(images::push(site, &image)?);
    }
    progress.say(format!("{} images in the registry", pushed.len()));
    Ok(pushed)
}

/// Cargo knows whether anything has changed; if not, this takes a fraction of a second.
fn build(site: &Site) -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    // The whole workspace: a part of it would be built with other features of the same crates, and all anew each time.
    let status = Command::new(cargo)
        .args(["build", "--release", "--workspace", "--quiet"])
        .current_dir(&site.checkout)
        .status()
        .context("can't run cargo to build the programs of the images")?;
    ensure!(
        status.success(),
        "cargo can't build the programs of the images, see above"
    );
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| site.checkout.join("target"), PathBuf::from);
    Ok(target.join("release"))
}
