//! A program of this machine: by its arguments, never through a shell, and with everything that it starts ended when it must end.

use std::{process::Stdio, time::Duration};

use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, BufReader},
    process::{Child, Command},
};

use super::{Hook, Output, Surroundings};

/// Longest line that is held; a flood without line ends must not fill the memory.
const LINE: u64 = 16 << 10;

/// Longest wait for what stands in the pipes when it has ended.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Ends the whole group of processes when it is dropped.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let group = self
            .0
            .and_then(|id| i32::try_from(id).ok())
            .and_then(rustix::process::Pid::from_raw);
        if let Some(group) = group {
            // It may have ended by itself, which is as good.
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
    }
}

pub(super) async fn run(hook: &Hook, surroundings: &Surroundings<'_>, output: &Output<'_>) -> Result<(), String> {
    let (program, arguments) = hook.command.split_first().ok_or("it names no program")?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .envs(&hook.environment)
        .env("APIMGMT_RELEASE", surroundings.release)
        .env("APIMGMT_NAMESPACE", surroundings.reader.namespace())
        .env("APIMGMT_VERB", surroundings.verb)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0);
    let mut child: Child = command
        .spawn()
        .map_err(|error| format!("could not start `{program}`: {error}"))?;
    let _group = Group(child.id());
    let (written, errors) = (child.stdout.take(), child.stderr.take());
    let reading = async {
        let both = (written.map(BufReader::new), errors.map(BufReader::new));
        futures::join!(
            async {
                if let Some(written) = both.0 {
                    follow(written, output).await;
                }
            },
            async {
                if let Some(errors) = both.1 {
                    follow(errors, output).await;
                }
            },
        )
    };
    futures::pin_mut!(reading);
    // Something that it started may keep the pipes open: its own end counts, and what it wrote until then.
    let status = tokio::select! {
        biased;
        _ = &mut reading => child.wait().await,
        status = child.wait() => {
            let _ = tokio::time::timeout(LAST_WORDS, reading).await;
            status
        }
    };
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{program}` ended with {status}")),
        Err(error) => Err(format!("could not wait for `{program}`: {error}")),
    }
}

async fn follow(mut reader: impl AsyncBufRead + Unpin, output: &Output<'_>) {
    let mut line = Vec::new();
    while let Ok(read) = (&mut reader).take(LINE).read_until(b'\n', &mut line).await {
        if read == 0 {
            return;
        }
        output.line(String::from_utf8_lossy(&line).trim_end());
        line.clear();
    }
}
