//! Runs the programs that make parts: their output goes to a log, long runs are mentioned, failures show the last lines.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::Error;

/// How often a run that goes on is mentioned.
const MENTION: Duration = Duration::from_secs(15);

/// Where programs of one build write to, and who is told that they go on.
pub(super) struct Runner<'a> {
    /// The log of the build, appended to.
    log: PathBuf,
    progress: &'a (dyn Fn(&str) + Sync),
}

impl<'a> Runner<'a> {
    /// A runner whose log is `<cache>/logs/<name>.log`.
    pub(super) fn new(root: &Path, name: &str, progress: &'a (dyn Fn(&str) + Sync)) -> Result<Self, Error> {
        let logs = root.join("logs");
        fs::create_dir_all(&logs).map_err(Error::file("create", &logs))?;
        let log = logs.join(format!("{name}.log"));
        File::create(&log).map_err(Error::file("create", &log))?;
        Ok(Self { log, progress })
    }

    /// Runs the command to its end; `purpose` completes "cannot …".
    pub(super) fn run(&self, purpose: &str, command: &mut Command) -> Result<(), Error> {
        let child = self.start(purpose, command.stdout(self.log()?))?;
        self.finish(purpose, &name(command), child)
    }

    /// Starts the command with its errors in the log; standard output is the caller's.
    pub(super) fn start(&self, purpose: &str, command: &mut Command) -> Result<Child, Error> {
        command
            .stdin(Stdio::null())
            .stderr(self.log()?)
            .spawn()
            .map_err(|source| Error::Start {
                program: name(command),
                purpose: purpose.into(),
                source,
            })
    }

    /// Waits for the end of a command that was started; errors call it `program`.
    pub(super) fn finish(&self, purpose: &str, program: &str, mut child: Child) -> Result<(), Error> {
        let status = self.wait(purpose, &mut child)?;
        if status.success() {
            return Ok(());
        }
        let log = fs::read(&self.log).map_err(Error::file("read", &self.log))?;
        let log = String::from_utf8_lossy(&log);
        let lines: Vec<&str> = log.lines().collect();
        Err(Error::Program {
            program: program.into(),
            purpose: purpose.into(),
            status,
            said: lines[lines.len().saturating_sub(15)..].join("\n"),
            log: self.log.clone(),
        })
    }

    fn wait(&self, purpose: &str, child: &mut Child) -> Result<ExitStatus, Error> {
        let began = Instant::now();
        let mut mentioned = began;
        let mut pause = Duration::from_millis(2);
        loop {
            if let Some(status) = child
                .try_wait()
                .map_err(Error::file("wait for the writer of", &self.log))?
            {
                return Ok(status);
            }
            thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(200));
            if mentioned.elapsed() >= MENTION {
                mentioned = Instant::now();
                (self.progress)(&format!("still at it ({purpose}, {} s)", began.elapsed().as_secs()));
            }
        }
    }

    fn log(&self) -> Result<File, Error> {
        File::options()
            .append(true)
            .open(&self.log)
            .map_err(Error::file("open", &self.log))
    }
}

/// The command's program, without its folder.
fn name(command: &Command) -> String {
    Path::new(command.get_program())
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str) -> (Result<(), Error>, tempfile::TempDir) {
        let root = tempfile::tempdir().unwrap();
        let runner = Runner::new(root.path(), "try", &|_| ()).unwrap();
        (runner.run("try it", Command::new("sh").args(["-c", script])), root)
    }

    #[test]
    fn a_failure_shows_what_was_said_on_both_outputs() {
        let (result, _root) = run("echo one; echo two >&2; exit 3");
        let text = result.unwrap_err().to_string();
        assert!(
            text.starts_with("cannot try it: `sh` ended with exit status: 3\none\ntwo\n"),
            "{text}"
        );
    }

    #[test]
    fn a_missing_program_is_named() {
        let root = tempfile::tempdir().unwrap();
        let runner = Runner::new(root.path(), "try", &|_| ()).unwrap();
        let error = runner
            .run("build it", &mut Command::new("no-such-program"))
            .unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program` to build it");
        assert!(error.hint().contains("no-such-program"));
    }

    #[test]
    fn success_is_silent() {
        assert!(run("echo fine").0.is_ok());
    }
}
