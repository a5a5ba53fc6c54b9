//! Layers made of Debian's packages, unpacked but not configured: no maintainer script runs, no chroot is needed.

use std::io::{self, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use tar::Archive;

use super::Error;
use super::layer::{Layer, LayerWriter, ROOT, Unpacked};
use super::run::Runner;
use super::store::{Key, Store};

/// The release whose `PostgreSQL` is 15.
const SUITE: &str = "bookworm";

/// What every image on Debian has: a C library, shells and their tools, root certificates, curl.
const BASE: [&str; 15] = [
    "base-files",
    "bash",
    "ca-certificates",
    "coreutils",
    "curl",
    "dash",
    "findutils",
    "grep",
    "gzip",
    "hostname",
    "libc-bin",
    "mawk",
    "sed",
    // Also what `kubectl cp` runs.
    "tar",
    "tzdata",
];

/// Beginnings of paths that containers do not miss. A slash at the end keeps the folder itself.
const LEFT_OUT: &[&str] = &[
    "boot",
    "dev/",
    "etc/apt",
    "etc/cron",
    "etc/dpkg",
    "etc/fstab",
    "etc/hostname",
    "etc/init.d",
    "etc/logrotate.d",
    "etc/resolv.conf",
    "etc/systemd",
    "run/",
    "tmp/",
    "usr/bin/deb",
    "usr/bin/dpkg",
    "usr/bin/perl",
    "usr/bin/update-alternatives",
    "usr/games",
    "usr/include",
    "usr/lib/dpkg",
    "usr/lib/postgresql/15/lib/bitcode",
    "usr/lib/postgresql/15/lib/llvmjit",
    "usr/lib/systemd",
    "usr/lib/x86_64-linux-gnu/gconv",
    "usr/lib/x86_64-linux-gnu/libLLVM",
    "usr/lib/x86_64-linux-gnu/libperl",
    "usr/lib/x86_64-linux-gnu/libz3",
    "usr/lib/x86_64-linux-gnu/perl",
    "usr/share/bug",
    "usr/share/debconf",
    "usr/share/doc",
    "usr/share/fonts",
    "usr/share/i18n",
    "usr/share/info",
    "usr/share/javascript/moment-timezone/data",
    "usr/share/lintian",
    "usr/share/locale",
    "usr/share/man",
    "usr/share/perl",
    "usr/share/postgresql-common",
    "usr/share/postgresql/15/man",
    "usr/share/zoneinfo/posix",
    "usr/share/zoneinfo/right",
    "usr/src",
    "var/cache",
    "var/lib/apt",
    "var/lib/dpkg",
    "var/log/",
];

/// Parts of links' targets that were left out.
const LEFT_OUT_TARGETS: &[&str] = &["share/postgresql-common"];

/// Where the certificates that Debian trusts are, one per file.
const CERTIFICATES: &str = "usr/share/ca-certificates/mozilla/";

/// Links and folders that maintainer scripts would have made.
const LINKS: [(&str, &str); 3] = [
    ("usr/bin/awk", "mawk"),
    ("usr/bin/which", "which.debianutils"),
    ("var/run", "/run"),
];
const FOLDERS: [&str; 4] = ["media", "mnt", "opt", "srv"];

/// Users that they would have made, and the one that programs of ours run as.
const USERS: &str = "root:x:0:0:root:/root:/bin/bash\n\
                     nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n\
                     app:x:10001:10001:app:/nonexistent:/usr/sbin/nologin\n";
const GROUPS: &str = "root:x:0:\nnogroup:x:65534:\napp:x:10001:\n";

/// Users and groups with one more, whose home is `home`.
pub(super) fn accounts(name: &str, number: u32, home: &str) -> [String; 2] {
    [
        format!("{USERS}{name}:x:{number}:{number}:{name}:{home}:/bin/sh\n"),
        format!("{GROUPS}{name}:x:{number}:\n"),
    ]
}

/// The layer below all images on Debian.
pub(super) fn base(store: &Store) -> Result<Layer, Error> {
    let shape = [SUITE, CERTIFICATES, USERS, GROUPS].into_iter().chain(FOLDERS);
    let links = LINKS.into_iter().flat_map(|(link, target)| [link, target]);
    let key = Key::of(shape.chain(links).chain(BASE).chain(LEFT_OUT.iter().copied()));
    let folder = store.ensure("layer-debian", &key, |folder| {
        let mut layer = LayerWriter::create(folder)?;
        let mut certificates = Vec::new();
        unpack(store, "layer-debian", folder, &[], |unpacked| {
            if unpacked.path.starts_with(CERTIFICATES) {
                certificates.extend_from_slice(&unpacked.content);
            }
            layer.entry(&unpacked)
        })?;
        layer.file("etc/ssl/certs/ca-certificates.crt", 0o644, ROOT, &certificates)?;
        layer.file("etc/passwd", 0o644, ROOT, USERS.as_bytes())?;
        layer.file("etc/group", 0o644, ROOT, GROUPS.as_bytes())?;
        for (link, target) in LINKS {
            layer.link(link, target)?;
        }
        for folder in FOLDERS {
            layer.directory(folder, 0o755, ROOT)?;
        }
        layer.finish().map(drop)
    })?;
    Layer::open(&folder)
}

/// A layer for on top of the base: these packages and all they depend on, without what the base has.
pub(super) fn packages(store: &Store, base: &Layer, packages: &[&str]) -> Result<Layer, Error> {
    let name = format!("layer-{}", packages.first().unwrap_or(&"none"));
    let inputs = [&*base.digest].into_iter().chain(packages.iter().copied());
    let key = Key::of(inputs.chain(LEFT_OUT_TARGETS.iter().copied()));
    let folder = store.ensure(&name, &key, |folder| {
        let below = base.marks()?;
        let mut layer = LayerWriter::create(folder)?;
        unpack(store, &name, folder, packages, |unpacked| {
            if below.contains(&unpacked.mark()) {
                Ok(())
            } else {
                layer.entry(&unpacked)
            }
        })?;
        layer.finish().map(drop)
    })?;
    Layer::open(&folder)
}

/// Hands every entry of the base's packages and of these to `take`, as a container would have it.
fn unpack(
    store: &Store,
    name: &str,
    folder: &Path,
    packages: &[&str],
    mut take: impl FnMut(Unpacked) -> Result<(), Error>,
) -> Result<(), Error> {
    let runner = Runner::new(store.root, name, store.progress)?;
    let purpose = format!("fetch and unpack Debian packages for {name}");
    let included = [&BASE, packages].concat().join(",");
    // Whatever mmdebstrap mounts and starts ends with this process, even if it is killed.
    let mut command = Command::new("setpriv");
    command.args([
        "--pdeathsig",
        "KILL",
        "unshare",
        "--mount",
        "--pid",
        "--fork",
        "--kill-child",
        "--mount-proc",
    ]);
    command.arg("mmdebstrap");
    // Debian's packages rely on /bin being a link to /usr/bin: without a script that makes it, someone has to.
    command.args(["--quiet", "--mode=root", "--variant=extract", "--format=tar"]);
    command.args([
        "--hook-dir=/usr/share/mmdebstrap/hooks/merged-usr",
        "--include",
        &included,
        SUITE,
        "-",
    ]);
    // Here an interrupted run is cleaned up together with the unfinished layer.
    command.env("TMPDIR", folder).stdout(Stdio::piped());
    let mut child = runner.start(&purpose, &mut command)?;
    let Some(mut stream) = child.stdout.take() else {
        return Ok(());
    };
    let taken = (|| {
        let failed = || Error::file("unpack Debian packages into", folder);
        let mut archive = Archive::new(BufReader::with_capacity(1 << 20, &mut stream));
        for entry in archive.entries().map_err(failed())? {
            let unpacked = Unpacked::read(entry.map_err(failed())?).map_err(failed())?;
            if !left_out(&unpacked.path, unpacked.target.as_deref()) {
                take(unpacked)?;
            }
        }
        Ok(())
    })();
    // A writer without a reader would end with an error of its own, and hide ours.
    let _ = io::copy(&mut stream, &mut io::sink());
    runner.finish(&purpose, "mmdebstrap", child)?;
    taken
}

/// Whether containers do not miss the entry.
fn left_out(path: &str, target: Option<&str>) -> bool {
    path.is_empty()
        || LEFT_OUT.iter().any(|beginning| path.starts_with(beginning))
        || target.is_some_and(|target| LEFT_OUT_TARGETS.iter().any(|part| target.contains(part)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_containers_do_not_miss_is_left_out() {
        for path in [
            "",
            "dev/null",
            "usr/share/doc/curl/copyright",
            "usr/lib/x86_64-linux-gnu/libLLVM-14.so.1",
        ] {
            assert!(left_out(path, None), "{path}");
        }
        for path in [
            "dev",
            "usr/bin/curl",
            "usr/lib/postgresql/15/lib/pgcrypto.so",
            "usr/share/zoneinfo/UTC",
        ] {
            assert!(!left_out(path, None), "{path}");
        }
        assert!(left_out("usr/bin/psql", Some("../share/postgresql-common/pg_wrapper")));
        assert!(!left_out("bin", Some("usr/bin")));
    }

    #[test]
    fn an_account_is_added_to_those_that_all_images_have() {
        let [users, groups] = accounts("postgres", 999, "/var/lib/postgresql");
        assert!(users.contains("app:x:10001:10001:"));
        assert!(users.ends_with("postgres:x:999:999:postgres:/var/lib/postgresql:/bin/sh\n"));
        assert!(groups.ends_with("postgres:x:999:\n"));
    }
}
