//! Starts the daemons when what they need is there, starts them again when they end, and reaps every orphan.
use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io::Write,
    net::TcpStream,
    os::unix::net::UnixStream,
    process::{Command, Stdio},
    sync::Mutex,
    thread::sleep,
    time::Duration,
};

use anyhow::{Context, Result};
use rustix::process::{WaitOptions, wait};

use super::daemons::{Daemon, Needs};
use crate::site::Site;

/// The first process of a pid namespace: never returns but for a failure of its own.
pub(super) fn supervise(site: &Site, daemons: &[Daemon]) -> Result<()> {
    let log = Mutex::new(
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(site.in_state("log/node-init.log"))
            .context("can't open the log of node-init")?,
    );
    // Held while a process starts, so that it can't be reaped before it is known.
    let running: Mutex<HashMap<i32, &Daemon>> = Mutex::default();
    let start = |daemon| start(site, daemon, &running, &log);
    std::thread::scope(|threads| {
        for daemon in daemons {
            threads.spawn(move || start(daemon));
        }
        loop {
            match wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => {
                    let ended = running
                        .lock()
                        .ok()
                        .and_then(|mut known| known.remove(&pid.as_raw_nonzero().get()));
                    if let Some(daemon) = ended {
                        note(&log, &format!("{} ended: {status:?}", daemon.name));
                        threads.spawn(move || {
                            sleep(Duration::from_secs(1));
                            start(daemon);
                        });
                    }
                }
                // No child yet, or none any more.
                _ => sleep(Duration::from_millis(50)),
            }
        }
    })
}

fn start<'a>(site: &Site, daemon: &'a Daemon, running: &Mutex<HashMap<i32, &'a Daemon>>, log: &Mutex<File>) {
    while !daemon.needs.is_there() {
        sleep(Duration::from_millis(50));
    }
    let Ok(mut known) = running.lock() else { return };
    match spawn(site, daemon) {
        Ok(number) => {
            known.insert(number, daemon);
            drop(known);
            note(log, &format!("{} started as {number}", daemon.name));
        }
        Err(error) => note(log, &format!("{error:#}")),
    }
}

fn spawn(site: &Site, daemon: &Daemon) -> Result<i32> {
    let output = OpenOptions::new()
        .create(true)
        .append(true)
        .open(site.in_state("log").join(format!("{}.log", daemon.name)))
        .with_context(|| format!("can't open the log of {}", daemon.name))?;
    let child = Command::new(&daemon.program)
        .args(&daemon.arguments)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("can't start {}", daemon.program.display()))?;
    Ok(child.id().try_into()?)
}

fn note(log: &Mutex<File>, text: &str) {
    if let Ok(mut log) = log.lock() {
        let _ = writeln!(log, "{} {text}", jiff::Timestamp::now());
    }
}

impl Needs {
    /// Whether it is there now.
    pub(crate) fn is_there(&self) -> bool {
        match self {
            Self::Nothing => true,
            Self::Port(port) => TcpStream::connect(("127.0.0.1", *port)).is_ok(),
            Self::Socket(path) => UnixStream::connect(path).is_ok(),
            Self::File(path) => path.exists(),
        }
    }
}
