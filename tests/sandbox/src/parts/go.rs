//! Programs written in Go, built from their modules.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::Error;
use super::run::Runner;
use super::store::{Key, Store};

/// A program to build from Go modules.
pub(super) struct GoProgram {
    /// Name of the built file, and of the cache entry.
    pub name: &'static str,
    /// Its version, as its project writes it.
    pub version: &'static str,
    /// Where the source is.
    source: Source,
    /// Package variables that hold the version, and their values.
    stamps: &'static [&'static str],
    /// Other names of the same file.
    links: &'static [&'static str],
}

enum Source {
    /// A module of ours, which imports the program.
    Wrapper {
        main: &'static str,
        module: &'static str,
        sums: &'static str,
    },
    /// A package that `go install` takes as it is.
    Package(&'static str),
    /// A package of a module that a module of ours names as a tool: its own `replace` lines keep `go install` from it.
    Tool {
        package: &'static str,
        module: &'static str,
        sums: &'static str,
    },
}

macro_rules! wrapper {
    ($folder:literal) => {
        Source::Wrapper {
            main: include_str!(concat!("../../go/", $folder, "/main.go")),
            module: include_str!(concat!("../../go/", $folder, "/go.mod")),
            sums: include_str!(concat!("../../go/", $folder, "/go.sum")),
        }
    };
}

/// One binary with all programs of the node, told apart by the name they are called by.
pub(super) const KUBERNETES: GoProgram = GoProgram {
    name: "kubernetes",
    version: "v1.35.4",
    source: wrapper!("kubernetes"),
    // Without these the server calls itself v0.0.0, and charts that want a version refuse it.
    stamps: &[
        "k8s.io/component-base/version.gitVersion=v1.35.4",
        "k8s.io/component-base/version.gitMajor=1",
        "k8s.io/component-base/version.gitMinor=35",
        "k8s.io/component-base/version.gitTreeState=clean",
    ],
    links: &[
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
        "kubelet",
        "kube-proxy",
        "kubectl",
    ],
};

pub(super) const ETCD: GoProgram = GoProgram::wrapped("etcd", "v3.6.5", wrapper!("etcd"));

pub(super) const COREDNS: GoProgram = GoProgram::wrapped("coredns", "v1.15.0", wrapper!("coredns"));

/// kube-router's controller alone, from the fork whose module can be had.
pub(super) const NETWORK_POLICY_CONTROLLER: GoProgram = GoProgram::wrapped(
    "network-policy-controller",
    "v2.2.1",
    wrapper!("network-policy-controller"),
);

pub(super) const METRICS_SERVER: GoProgram = GoProgram {
    stamps: &["k8s.io/client-go/pkg/version.gitVersion=v0.9.0"],
    ..GoProgram::package(
        "metrics-server",
        "v0.9.0",
        "sigs.k8s.io/metrics-server/cmd/metrics-server",
    )
};

pub(super) const LOCAL_PATH_PROVISIONER: GoProgram = GoProgram {
    stamps: &["main.VERSION=v0.0.30"],
    ..GoProgram::package(
        "local-path-provisioner",
        "v0.0.30",
        "github.com/rancher/local-path-provisioner",
    )
};

pub(super) const KWOK: GoProgram = GoProgram::package("kwok", "v0.8.0", "sigs.k8s.io/kwok/cmd/kwok");

pub(super) const LOKI: GoProgram = GoProgram::wrapped(
    "loki",
    "v3.7.8",
    Source::Tool {
        package: "github.com/grafana/loki/v3/cmd/loki",
        module: include_str!("../../go/loki/go.mod"),
        sums: include_str!("../../go/loki/go.sum"),
    },
);

pub(super) const HELM_322: GoProgram = GoProgram {
    // As in the project's own build; without the last four `helm template` renders for Kubernetes 1.20.
    stamps: &[
        "helm.sh/helm/v3/internal/version.version=v3.22.0",
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMajor=1",
        "helm.sh/helm/v3/pkg/chartutil.k8sVersionMinor=37",
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMajor=1",
        "helm.sh/helm/v3/pkg/lint/rules.k8sVersionMinor=37",
    ],
    ..GoProgram::package("helm-3.22", "v3.22.0", "helm.sh/helm/v3/cmd/helm")
};

impl GoProgram {
    const fn wrapped(name: &'static str, version: &'static str, source: Source) -> Self {
        Self {
            name,
            version,
            source,
            stamps: &[],
            links: &[],
        }
    }

    const fn package(name: &'static str, version: &'static str, package: &'static str) -> Self {
        Self {
            name,
            version,
            source: Source::Package(package),
            stamps: &[],
            links: &[],
        }
    }

    /// What the built file depends on.
    pub(super) fn key(&self) -> Key {
        let source = match self.source {
            Source::Wrapper { main, module, sums } => vec![main, module, sums],
            Source::Package(package) => vec![package],
            Source::Tool { package, module, sums } => vec![package, module, sums],
        };
        let flags = self.link_flags();
        Key::of(
            [self.version, &flags]
                .into_iter()
                .chain(source)
                .chain(self.links.iter().copied()),
        )
    }

    /// Builds it if it is not there, and tells the folder of its `bin`.
    pub(super) fn ensure(&self, store: &Store) -> Result<PathBuf, Error> {
        store.ensure(self.name, &self.key(), |folder| self.build(store, folder))
    }

    /// Builds it as `<folder>/bin/<name>`.
    fn build(&self, store: &Store, folder: &Path) -> Result<(), Error> {
        let runner = Runner::new(store.root, self.name, store.progress)?;
        let purpose = format!("build {} {}", self.name, self.version);
        let programs = folder.join("bin");
        fs::create_dir(&programs).map_err(Error::file("create", &programs))?;
        let built = programs.join(self.name);
        match self.source {
            Source::Wrapper { main, module, sums } => {
                let files = [("main.go", main), ("go.mod", module), ("go.sum", sums)];
                self.build_module(&runner, folder, &files, ".")?;
            }
            Source::Tool { package, module, sums } => {
                let files = [("go.mod", module), ("go.sum", sums)];
                self.build_module(&runner, folder, &files, package)?;
            }
            Source::Package(package) => {
                let mut go = self.go("install");
                go.arg(format!("{package}@{}", self.version))
                    .env("GOBIN", &programs)
                    .current_dir(folder);
                runner.run(&purpose, &mut go)?;
                // `go install` names the file after the package's folder.
                let installed = programs.join(package.rsplit('/').next().unwrap_or(package));
                fs::rename(&installed, &built).map_err(Error::file("rename", &installed))?;
            }
        }
        for link in self.links {
            let link = programs.join(link);
            std::os::unix::fs::symlink(self.name, &link).map_err(Error::file("create", &link))?;
        }
        Ok(())
    }

    /// Builds a package inside a module of these files.
    fn build_module(&self, runner: &Runner, folder: &Path, files: &[(&str, &str)], package: &str) -> Result<(), Error> {
        let source = folder.join("source");
        fs::create_dir(&source).map_err(Error::file("create", &source))?;
        for (file, text) in files {
            fs::write(source.join(file), text).map_err(Error::file("write", &source))?;
        }
        let mut go = self.go("build");
        go.arg("-o").arg(folder.join("bin").join(self.name)).arg(package);
        let purpose = format!("build {} {}", self.name, self.version);
        runner.run(&purpose, go.current_dir(&source))?;
        fs::remove_dir_all(&source).map_err(Error::file("remove", &source))
    }

    fn go(&self, verb: &str) -> Command {
        let mut go = Command::new("go");
        go.args([verb, "-trimpath", "-buildvcs=false", "-ldflags", &self.link_flags()])
            .env("CGO_ENABLED", "0");
        go
    }

    fn link_flags(&self) -> String {
        self.stamps
            .iter()
            .fold("-s -w".to_owned(), |flags, stamp| format!("{flags} -X {stamp}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_follows_version_source_and_stamps() {
        assert_eq!(KWOK.key(), KWOK.key());
        assert_ne!(
            KWOK.key(),
            GoProgram {
                version: "v0.8.1",
                ..KWOK
            }
            .key()
        );
        assert_ne!(
            KWOK.key(),
            GoProgram {
                stamps: &["a.b=c"],
                ..KWOK
            }
            .key()
        );
        let Source::Wrapper { main, module, sums } = ETCD.source else {
            panic!("etcd is a wrapper")
        };
        let touched = GoProgram {
            source: Source::Wrapper {
                main,
                module,
                sums: &sums[1..],
            },
            ..ETCD
        };
        assert_eq!(
            ETCD.key(),
            GoProgram {
                source: Source::Wrapper { main, module, sums },
                ..ETCD
            }
            .key()
        );
        assert_ne!(ETCD.key(), touched.key());
    }

    #[test]
    fn wrappers_require_the_version_they_are_named_by() {
        for (program, required) in [
            (&KUBERNETES, "k8s.io/kubernetes"),
            (&ETCD, "go.etcd.io/etcd/server/v3"),
            (&COREDNS, "github.com/coredns/coredns"),
            (&NETWORK_POLICY_CONTROLLER, "github.com/cloudnativelabs/kube-router/v2"),
        ] {
            let Source::Wrapper { module, .. } = program.source else {
                panic!("{} is a wrapper", program.name)
            };
            let line = format!("{required} {}", program.version);
            assert!(
                module
                    .lines()
                    .any(|text| text.trim_start_matches("require ").trim() == line),
                "{line}"
            );
        }
    }
}
