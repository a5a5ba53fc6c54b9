//! Zipkin, the backend of traces: one jar with everything in it.

use std::fs;
use std::path::Path;

use super::Error;
use super::maven::{self, Artifact};
use super::run::Runner;
use super::store::{Key, Store};

const ZIPKIN: Artifact = Artifact {
    group: "io.zipkin",
    name: "zipkin-server",
    version: "3.5.1",
    kind: "jar",
    classifier: "exec",
};

pub(super) fn key() -> Key {
    Key::of([ZIPKIN.version])
}

/// Leaves `<folder>/bin/zipkin.jar`.
pub(super) fn fetch(store: &Store, folder: &Path) -> Result<(), Error> {
    let runner = Runner::new(store.root, "zipkin", store.progress)?;
    let fetched = maven::fetch(&runner, "fetch Zipkin", &ZIPKIN, folder)?;
    let programs = folder.join("bin");
    fs::create_dir(&programs).map_err(Error::file("create", &programs))?;
    fs::rename(&fetched, programs.join("zipkin.jar")).map_err(Error::file("rename", &fetched))
}
