//! A Redis of the test's own.
use std::{net::TcpStream, process::Command};

use tempfile::TempDir;

use super::{PASSWORD, Server, free_port, installed, until};

/// One Redis with a password.
pub(crate) struct Redis {
    folder: TempDir,
    port: u16,
    server: Option<Server>,
}

impl Redis {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let mut redis = Self::stopped();
        redis.resume();
        redis
    }

    /// Has a port and no server yet.
    pub(crate) fn stopped() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            port: free_port(),
            server: None,
        }
    }

    pub(crate) fn resume(&mut self) {
        let mut command = Command::new(installed("redis-server"));
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD, "--dir"])
            .arg(self.folder.path());
        command.args(["--port", &self.port.to_string()]);
        self.server = Some(Server::start(&command, None, "-KILL", &self.folder.path().join("log")));
        until("Redis listens", || TcpStream::connect(self.target()).ok());
    }

    pub(crate) fn stop(&mut self) {
        self.server = None;
    }

    /// Makes it hang: connections stay, answers don't come.
    pub(crate) fn pause(&self) {
        self.server.as_ref().expect("it runs").signal("-STOP");
    }

    pub(crate) fn go_on(&self) {
        self.server.as_ref().expect("it runs").signal("-CONT");
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://:{PASSWORD}@{}/0", self.target())
    }

    pub(crate) fn target(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
