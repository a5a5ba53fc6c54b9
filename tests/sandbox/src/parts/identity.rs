//! Keycloak, with the two things done ahead that make its start slow: its own build, and the import of its realm.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::Error;
use super::maven::{self, Artifact, JAVA};
use super::run::Runner;
use super::store::{Key, Store, remove};

const VERSION: &str = "26.7.3";

const ARCHIVE: Artifact = Artifact {
    group: "org.keycloak",
    name: "keycloak-quarkus-dist",
    version: VERSION,
    kind: "tar.gz",
    classifier: "",
};

/// Clients, roles, scopes and people.
const REALM: &str = include_str!("../../images/keycloak/realm.json");

/// What only a build can change. One process, so no cache that others share; a database in files, which the import fills.
const BUILD: [&str; 4] = [
    "--db=dev-file",
    "--cache=local",
    "--health-enabled=true",
    "--features-disabled=device-flow,ciba,par,web-authn,passkeys,kerberos,organization,impersonation",
];

pub(super) fn key() -> Key {
    Key::of([VERSION, REALM].into_iter().chain(BUILD))
}

/// Leaves `<folder>/keycloak`, ready to start with `--optimized`.
pub(super) fn build(store: &Store, folder: &Path) -> Result<(), Error> {
    let runner = Runner::new(store.root, "identity", store.progress)?;
    let archive = maven::fetch(&runner, "fetch Keycloak", &ARCHIVE, folder)?;
    let home = folder.join("keycloak");
    fs::create_dir(&home).map_err(Error::file("create", &home))?;
    let mut tar = Command::new("tar");
    tar.args(["--extract", "--strip-components=1", "--file"])
        .args([&archive, Path::new("--directory"), &home]);
    runner.run("unpack Keycloak", tar.current_dir(folder))?;
    fs::remove_file(&archive).map_err(Error::file("remove", &archive))?;

    let keycloak = |arguments: &[&str]| {
        let mut command = Command::new(home.join("bin/kc.sh"));
        command.args(arguments).env("JAVA_HOME", JAVA).current_dir(&home);
        command
    };
    let mut arguments = vec!["build"];
    arguments.extend(BUILD);
    runner.run("build Keycloak", &mut keycloak(&arguments))?;
    let realm = folder.join("realm.json");
    fs::write(&realm, REALM).map_err(Error::file("write", &realm))?;
    let realm_file = realm.display().to_string();
    runner.run(
        "import Keycloak's realm",
        &mut keycloak(&["import", "--optimized", "--file", &realm_file]),
    )?;
    fs::remove_file(&realm).map_err(Error::file("remove", &realm))?;
    remove(&home.join("data/log"))?;
    remove(&home.join("data/tmp"))
}
