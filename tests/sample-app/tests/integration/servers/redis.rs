//! A Redis of the test's own.
use std::{fs, net::TcpStream, process::Command};

use tempfile::TempDir;

use super::{PASSWORD, Server, free_port, installed, until};

/// A Sentinel that decides alone.
pub(crate) struct Sentinel {
    _folder: TempDir,
    port: u16,
    _server: Server,
}

impl Sentinel {
    /// Starts one that watches over a master, and waits until it knows a replica.
    pub(crate) fn of(master: &Redis) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let configuration = folder.path().join("sentinel.conf");
        let lines = [
            "bind 127.0.0.1".to_owned(),
            format!("port {port}"),
            format!("requirepass {PASSWORD}"),
            format!("sentinel monitor mymaster 127.0.0.1 {} 1", master.port),
            format!("sentinel auth-pass mymaster {PASSWORD}"),
            "sentinel down-after-milliseconds mymaster 500".to_owned(),
        ];
        fs::write(&configuration, lines.join("\n")).unwrap();
        let mut command = Command::new(installed("redis-server"));
        command.arg(&configuration).arg("--sentinel");
        let server = Server::start(&command, None, "-KILL", &folder.path().join("log"));
        until("the Sentinel knows a replica", || {
            let known = ask(port, &["sentinel", "replicas", "mymaster"]);
            known.iter().any(|line| line == "slave").then_some(())
        });
        Self {
            _folder: folder,
            port,
            _server: server,
        }
    }

    pub(crate) fn target(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

fn ask(port: u16, command: &[&str]) -> Vec<String> {
    let mut client = Command::new(installed("redis-cli"));
    client.env("REDISCLI_AUTH", PASSWORD).args(["-p", &port.to_string()]);
    let output = client.args(command).output().unwrap();
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(str::to_owned)
        .collect()
}

/// One Redis with a password.
pub(crate) struct Redis {
    folder: TempDir,
    port: u16,
    server: Option<Server>,
    master: Option<u16>,
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
            master: None,
        }
    }

    /// Starts one that follows another.
    pub(crate) fn replica_of(master: &Self) -> Self {
        let mut redis = Self {
            master: Some(master.port),
            ..Self::stopped()
        };
        redis.resume();
        redis
    }

    pub(crate) fn resume(&mut self) {
        let mut command = Command::new(installed("redis-server"));
        command
            .args(["--bind", "127.0.0.1", "--save", "", "--requirepass", PASSWORD, "--dir"])
            .arg(self.folder.path());
        command.args(["--masterauth", PASSWORD, "--port", &self.port.to_string()]);
        if let Some(master) = self.master {
            command.args(["--replicaof", "127.0.0.1", &master.to_string()]);
        }
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

    /// Runs a command with `redis-cli`, and gives the lines of the answer.
    pub(crate) fn ask(&self, command: &[&str]) -> Vec<String> {
        ask(self.port, command)
    }

    pub(crate) fn target(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
