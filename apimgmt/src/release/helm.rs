//! Helm as a process: found, run by arguments and never through a shell, read from standard output alone.

use std::{
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt},
    process::{Child, Command},
    task::JoinHandle,
};

use super::environment::Environment;
use crate::{Error, report::progress::plain};

/// Most that is kept of what Helm writes; the rest is read and dropped, so that Helm never blocks.
const KEPT: usize = 64 << 20;

/// A Helm that was found.
#[derive(Clone)]
pub struct Helm {
    binary: PathBuf,
    environment: Environment,
}

/// Helm's version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 3 or 4.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// Patch.
    pub patch: u32,
}

/// A Helm that runs, in a process group of its own: the terminal's Ctrl-C reaches us, and we decide.
#[derive(Debug)]
pub struct Running {
    child: Child,
    output: JoinHandle<String>,
    errors: JoinHandle<String>,
}

/// How Helm ended.
#[derive(Debug, Clone)]
pub struct Ended {
    /// Whether it exited with 0.
    pub success: bool,
    /// Standard output.
    pub output: String,
    /// Standard error, harmless to print.
    pub errors: String,
}

impl Helm {
    /// Finds Helm: `HELM_BIN` as Helm sets it (an absolute, relative or bare name), else `helm` on `PATH`.
    ///
    /// # Errors
    /// When there is none.
    pub fn find(environment: &Environment, path: Option<&OsStr>) -> Result<Self, Error> {
        let wanted = environment.binary.as_deref().unwrap_or("helm");
        let binary = resolve(wanted, path).ok_or_else(|| {
            Error::could_not(format!("could not find Helm: there is no `{wanted}`"))
                .hint("install Helm 3.17 or newer, or name one with the environment variable HELM_BIN")
        })?;
        Ok(Self {
            binary,
            environment: environment.clone(),
        })
    }

    /// Where it is.
    pub fn binary(&self) -> &Path {
        &self.binary
    }

    /// The way to the cluster that it is given.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// Its version.
    ///
    /// # Errors
    /// When it does not run, or is not Helm.
    pub async fn version(&self) -> Result<Version, Error> {
        let mut command = self.bare();
        command.args(["version", "--template", "{{.Version}}"]);
        let text = self.finished(command, "version").await?;
        Version::parse(text.trim()).ok_or_else(|| {
            Error::could_not(format!(
                "`{}` does not say a version of Helm: {}",
                self.binary.display(),
                plain(&text)
            ))
        })
    }

    /// Runs it to its end and gives its standard output.
    ///
    /// # Errors
    /// When it fails; what it wrote to standard error is the reason.
    pub async fn output<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
        &self,
        verb: &str,
        arguments: I,
    ) -> Result<String, Error> {
        let mut command = self.bare();
        command.arg(verb).args(arguments).args(self.environment.arguments());
        self.finished(command, verb).await
    }

    /// Starts it.
    ///
    /// # Errors
    /// When it can't be started.
    pub fn start<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
        &self,
        verb: &str,
        arguments: I,
    ) -> Result<Running, Error> {
        let mut command = self.bare();
        command.arg(verb).args(arguments).args(self.environment.arguments());
        self.launch(command)
    }

    /// The command line of a Helm that takes our place: for verbs that we only hand on.
    pub fn command<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(
        &self,
        verb: &str,
        arguments: I,
    ) -> std::process::Command {
        let mut command = std::process::Command::new(&self.binary);
        command.arg(verb).args(arguments).args(self.environment.arguments());
        for stale in Environment::STALE {
            command.env_remove(stale);
        }
        command.envs(self.environment.token.as_ref().map(|token| ("HELM_KUBETOKEN", token)));
        command
    }

    fn bare(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for stale in Environment::STALE {
            command.env_remove(stale);
        }
        command.envs(self.environment.token.as_ref().map(|token| ("HELM_KUBETOKEN", token)));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        command
    }

    fn launch(&self, mut command: Command) -> Result<Running, Error> {
        let mut child = command
            .spawn()
            .map_err(|error| Error::could_not(format!("could not start `{}`", self.binary.display())).because(error))?;
        let output = tokio::spawn(drain(child.stdout.take()));
        let errors = tokio::spawn(drain(child.stderr.take()));
        Ok(Running { child, output, errors })
    }

    async fn finished(&self, command: Command, verb: &str) -> Result<String, Error> {
        let ended = self.launch(command)?.end().await?;
        if ended.success {
            Ok(ended.output)
        } else {
            Err(Error::could_not(format!("`helm {verb}` failed")).because(ended.errors))
        }
    }
}

impl Running {
    /// Waits until it ends. Dropping the wait does not end Helm.
    ///
    /// # Errors
    /// When the operating system can't say how it ended.
    pub async fn wait(&mut self) -> Result<bool, Error> {
        let status = self.child.wait().await;
        Ok(status
            .map_err(|error| Error::could_not("could not wait for Helm").because(error))?
            .success())
    }

    /// Waits until it ends, and gives what it wrote.
    ///
    /// # Errors
    /// When the operating system can't say how it ended.
    pub async fn end(mut self) -> Result<Ended, Error> {
        let success = self.wait().await?;
        // Something that Helm started may keep the pipes open.
        let text = async |task| match tokio::time::timeout(Duration::from_secs(5), task).await {
            Ok(Ok(text)) => text,
            _ => String::new(),
        };
        Ok(Ended {
            success,
            output: text(self.output).await,
            errors: plain(&text(self.errors).await),
        })
    }

    /// The number of its process, while it runs.
    pub fn id(&self) -> Option<u32> {
        self.child.id()
    }

    /// Asks `helm install` or `helm upgrade` to stop: it records `failed` and exits. Never for a rollback, which would stay pending.
    pub fn ask_to_stop(&self) {
        let pid = self
            .child
            .id()
            .and_then(|pid| i32::try_from(pid).ok())
            .and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            // It may have ended by itself meanwhile, which is as good.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
    }
}

impl Version {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('v')?.split(['.', '-', '+']).map(str::parse);
        let mut next = || parts.next()?.ok();
        Some(Self {
            major: next()?,
            minor: next()?,
            patch: next()?,
        })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

async fn drain(pipe: Option<impl AsyncRead + Unpin>) -> String {
    let mut kept = Vec::new();
    let mut buffer = vec![0; 16 << 10];
    if let Some(mut pipe) = pipe {
        while let Ok(length @ 1..) = pipe.read(&mut buffer).await {
            let room = KEPT.saturating_sub(kept.len());
            kept.extend_from_slice(&buffer[..length.min(room)]);
        }
    }
    String::from_utf8_lossy(&kept).into_owned()
}

/// A name with a slash is a path from here; a bare one is looked up on `PATH`.
fn resolve(wanted: &str, path: Option<&OsStr>) -> Option<PathBuf> {
    if wanted.contains('/') {
        return std::path::absolute(wanted).ok().filter(|file| file.is_file());
    }
    std::env::split_paths(path?)
        .map(|folder| folder.join(wanted))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_reads() {
        let version = |major, minor, patch| Some(Version { major, minor, patch });
        assert_eq!(Version::parse("v3.17.2"), version(3, 17, 2));
        assert_eq!(Version::parse("v4.3.1+g8b6f5b4"), version(4, 3, 1));
        assert_eq!(Version::parse("v4.0.0-rc.1"), version(4, 0, 0));
        assert_eq!(Version::parse("Client: v2"), None);
    }

    #[test]
    fn helm_is_found_by_path_by_relative_name_and_by_bare_name() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("helm-own");
        std::fs::write(&file, "").unwrap();
        assert_eq!(resolve(file.to_str().unwrap(), None), Some(file.clone()));
        assert_eq!(resolve("helm-own", Some(folder.path().as_os_str())), Some(file));
        assert_eq!(resolve("helm-own", Some(OsStr::new("/nowhere"))), None);
        assert_eq!(resolve("./helm-own", Some(folder.path().as_os_str())), None, "not here");
    }

    #[tokio::test]
    async fn a_missing_helm_is_told_with_what_to_do() {
        let error = Helm::find(
            &Environment {
                binary: Some("no-such-helm".into()),
                ..Environment::default()
            },
            None,
        )
        .err()
        .unwrap();
        assert!(error.to_string().contains("no-such-helm"));
        assert!(error.next_step().unwrap().contains("HELM_BIN"));
    }

    #[tokio::test]
    async fn what_helm_writes_to_standard_error_is_the_reason_and_harmless() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("helm");
        std::fs::write(
            &file,
            "#!/bin/sh\necho out\nprintf 'Error: \\033[31mno\\n' >&2\nexit 1\n",
        )
        .unwrap();
        std::os::unix::fs::PermissionsExt::set_mode(&mut std::fs::metadata(&file).unwrap().permissions(), 0o755);
        std::fs::set_permissions(
            &file,
            <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755),
        )
        .unwrap();
        let environment = Environment {
            binary: Some(file.display().to_string()),
            ..Environment::default()
        };
        let ended = Helm::find(&environment, None)
            .unwrap()
            .start("upgrade", ["x"])
            .unwrap()
            .end()
            .await
            .unwrap();
        assert!(!ended.success);
        assert_eq!(ended.output, "out\n");
        assert!(ended.errors.starts_with("Error: ") && !ended.errors.contains('\u{1b}'));
    }
}
