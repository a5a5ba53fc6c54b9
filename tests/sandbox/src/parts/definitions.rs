//! Definitions of kinds that other projects ship: cert-manager's, out of its module.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Deserialize;

use super::Error;
use super::run::Runner;
use super::store::{Key, Store};

/// The module with the definitions, and its version.
const MODULE: &str = "github.com/cert-manager/cert-manager@v1.19.1";

/// Where the definitions are in it, and those that are taken.
const FOLDER: &str = "deploy/crds";
const FILES: [&str; 3] = [
    "cert-manager.io_certificates.yaml",
    "cert-manager.io_clusterissuers.yaml",
    "cert-manager.io_issuers.yaml",
];

/// What `go mod download -json` says.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Downloaded {
    dir: std::path::PathBuf,
}

pub(super) fn key() -> Key {
    Key::of([MODULE, FOLDER].into_iter().chain(FILES))
}

/// Puts the definitions into `<folder>`.
pub(super) fn fetch(store: &Store, folder: &Path) -> Result<(), Error> {
    let runner = Runner::new(store.root, "definitions", store.progress)?;
    let purpose = "fetch cert-manager's definitions";
    let said = folder.join("module.json");
    let mut go = Command::new("go");
    go.args(["mod", "download", "-json", MODULE])
        .current_dir(folder)
        .stdout(fs::File::create(&said).map_err(Error::file("create", &said))?);
    let child = runner.start(purpose, &mut go)?;
    runner.finish(purpose, "go", child)?;
    let text = fs::read(&said).map_err(Error::file("read", &said))?;
    let downloaded: Downloaded =
        serde_json::from_slice(&text).map_err(|error| Error::file("read", &said)(error.into()))?;
    fs::remove_file(&said).map_err(Error::file("remove", &said))?;
    for file in FILES {
        let from = downloaded.dir.join(FOLDER).join(file);
        let text = fs::read(&from).map_err(Error::file("read", &from))?;
        let to = folder.join(file);
        fs::write(&to, text).map_err(Error::file("write", &to))?;
    }
    Ok(())
}
