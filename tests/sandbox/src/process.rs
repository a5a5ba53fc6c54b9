//! Processes found again by their number and start time, never by a pattern: two sandboxes run the same commands.
use std::{
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};

/// One process, told apart from a later one with the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Process {
    pub(crate) number: i32,
    /// Clock ticks between the machine's start and the process's.
    started: u64,
}

impl Process {
    /// The process that has this number now.
    pub(crate) fn of(number: i32) -> Option<Self> {
        Some(Self {
            number,
            started: start_time(number)?,
        })
    }

    pub(crate) fn is_alive(self) -> bool {
        start_time(self.number) == Some(self.started)
    }

    /// Ends the process and waits until it is gone.
    pub(crate) fn kill(self) -> Result<()> {
        if !self.is_alive() {
            return Ok(());
        }
        let pid = Pid::from_raw(self.number).context("a recorded process has no number")?;
        match kill_process(pid, Signal::KILL) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error).with_context(|| format!("can't end process {}", self.number)),
        }
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.is_alive() {
            if Instant::now() > deadline {
                bail!("process {} is still there 10 s after it was killed", self.number);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }
}

/// Field 22 of `/proc/N/stat`; absent for a process that has ended, even if nobody has reaped it yet.
fn start_time(number: i32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name in parentheses may hold anything, so count from its end.
    let mut fields = stat.get(stat.rfind(')')? + 1..)?.split_whitespace();
    if matches!(fields.next()?, "Z" | "X") {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// Runs a program to its end and returns what it printed; a failure tells the command and its last words.
pub(crate) fn run(program: impl AsRef<Path>, arguments: &[&str]) -> Result<String> {
    let program = program.as_ref();
    let output = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("can't run {}", program.display()))?;
    if !output.status.success() {
        bail!(
            "`{} {}` failed ({}): {}",
            program.display(),
            arguments.join(" "),
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_known_until_it_ends() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let process = Process::of(i32::try_from(child.id()).unwrap()).unwrap();
        assert!(process.is_alive());
        process.kill().unwrap();
        assert!(!process.is_alive());
        child.wait().unwrap();
    }

    #[test]
    fn another_process_with_the_same_number_is_a_stranger() {
        let own = i32::try_from(std::process::id()).unwrap();
        let process = Process {
            started: 1,
            ..Process::of(own).unwrap()
        };
        assert!(!process.is_alive());
    }

    #[test]
    fn a_failing_command_tells_why() {
        let error = run("sh", &["-c", "echo broken >&2; exit 3"]).unwrap_err().to_string();
        assert!(error.contains("broken") && error.contains("exit status: 3"), "{error}");
    }
}
