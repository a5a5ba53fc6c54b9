//! Packages of the distribution (Debian or Ubuntu) that the node and the builds call.

use std::path::Path;
use std::process::Command;

use super::Error;
use super::run::Runner;
use super::store::Store;

const PACKAGES: [&str; 24] = [
    // The node.
    "conntrack",
    "containerd",
    "containernetworking-plugins",
    "ethtool",
    "iproute2",
    "ipset",
    "iptables",
    "kmod",
    "nftables",
    "runc",
    "util-linux",
    // What stands around it.
    "apache2-utils",
    "docker-registry",
    "haproxy",
    "openssl",
    "socat",
    // The builds.
    "busybox-static",
    "debian-archive-keyring",
    "gcc",
    "libc6-dev",
    "maven",
    "mmdebstrap",
    "openjdk-17-jre-headless",
    "unzip",
];

/// Those of the packages that start a service of the same name.
const SERVICES: [&str; 3] = ["containerd", "docker-registry", "haproxy"];

/// Installs the packages that are missing, and says which.
pub(super) fn ensure(store: &Store) -> Result<(), Error> {
    let mut missing = missing();
    let pip = Command::new("python3").args(["-m", "pip", "--version"]).output();
    if !pip.is_ok_and(|output| output.status.success()) {
        missing.push("python3-pip");
    }
    if missing.is_empty() {
        return Ok(());
    }
    (store.progress)(&format!(
        "installing packages of the distribution: {}",
        missing.join(" ")
    ));
    // apt refuses a second caller rather than let it wait.
    let _turn = store.lock("packages", "packages")?;
    let runner = Runner::new(store.root, "packages", store.progress)?;
    runner.run("read the lists of packages", &mut apt("update"))?;
    let mut install = apt("install");
    install.args(["--yes", "--no-install-recommends"]).args(&missing);
    runner.run("install packages", &mut install)?;

    // The sandbox starts its own; what Debian starts would hold ports on a machine that had none of them before.
    let services: Vec<_> = SERVICES
        .into_iter()
        .filter(|service| missing.contains(service))
        .collect();
    if !services.is_empty() && Path::new("/run/systemd/system").is_dir() {
        runner.run(
            "stop new services",
            Command::new("systemctl").args(["disable", "--now"]).args(services),
        )?;
    }
    Ok(())
}

fn apt(verb: &str) -> Command {
    let mut apt = Command::new("apt-get");
    apt.args(["--quiet", "--option", "DPkg::Lock::Timeout=300", verb])
        .env("DEBIAN_FRONTEND", "noninteractive");
    apt
}

/// Those that dpkg does not call installed.
fn missing() -> Vec<&'static str> {
    let status = Path::new("/var/lib/dpkg/status");
    let listed = std::fs::read_to_string(status).unwrap_or_default();
    PACKAGES
        .into_iter()
        .filter(|package| !installed(&listed, package))
        .collect()
}

/// Whether dpkg's list of packages has this one, and completely.
fn installed(listed: &str, package: &str) -> bool {
    let wanted = format!("Package: {package}");
    listed.split("\n\n").any(|entry| {
        let mut lines = entry.lines();
        lines.next() == Some(&wanted) && lines.any(|line| line == "Status: install ok installed")
    })
}

#[cfg(test)]
mod tests {
    use super::installed;

    #[test]
    fn a_package_counts_when_it_is_completely_installed() {
        let listed = "Package: runc\nStatus: install ok installed\nVersion: 1\n\n\
                      Package: socat\nStatus: deinstall ok config-files\n\n\
                      Package: ipset\nStatus: install ok half-configured\n";
        assert!(installed(listed, "runc"));
        for package in ["socat", "ipset", "run", "mmdebstrap"] {
            assert!(!installed(listed, package), "{package}");
        }
    }
}
