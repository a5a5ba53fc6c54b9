//! A database server of the test's own.
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::fs::chown,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use tempfile::TempDir;

use super::{PASSWORD, Server, as_user, free_port, installed, unprivileged, until};

/// One cluster with a database `integration_api_management`, reached by password.
pub(crate) struct Postgres {
    folder: TempDir,
    port: u16,
    server: Option<Server>,
}

impl Postgres {
    /// Starts one.
    pub(crate) fn start() -> Self {
        let mut postgres = Self::stopped();
        postgres.resume();
        postgres
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
        let folder = self.folder.path();
        if !folder.join("data").exists() {
            let copied = Command::new("cp")
                .arg("-a")
                .arg(template())
                .arg(folder.join("data"))
                .status();
            assert!(copied.unwrap().success());
            if let Some(user) = unprivileged() {
                chown(folder, Some(user), Some(user)).unwrap();
            }
        }
        let mut command = Command::new(installed("postgres"));
        command
            .arg("-D")
            .arg(folder.join("data"))
            .args(["-c", "fsync=off", "-c", "listen_addresses=127.0.0.1"]);
        command.args(["-p", &self.port.to_string(), "-k"]).arg(folder);
        let log = folder.join("log");
        // SIGQUIT is the immediate shutdown, which takes the children along and writes nothing more.
        self.server = Some(Server::start(&command, unprivileged(), "-QUIT", &log));
        until("PostgreSQL is ready", || {
            fs::read_to_string(&log)
                .unwrap()
                .contains("ready to accept connections")
                .then_some(())
        });
    }

    /// Runs SQL over the socket, as the superuser; gives the lines of the answer.
    pub(crate) fn query(&self, sql: &str) -> Vec<String> {
        let output = self.psql().args(["-c", sql]).output().unwrap();
        assert!(
            output.status.success(),
            "{sql}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout)
            .lines()
            .map(str::to_owned)
            .collect()
    }

    /// Runs SQL in a transaction that stays open until the value goes.
    pub(crate) fn hold(&self, sql: &str) -> Held {
        let mut session = self
            .psql()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = session.stdin.take().unwrap();
        writeln!(input, "begin; {sql}; select 'held';").unwrap();
        let held = BufReader::new(session.stdout.take().unwrap())
            .lines()
            .next()
            .unwrap()
            .unwrap();
        assert_eq!(held, "held");
        Held {
            session,
            input: Some(input),
        }
    }

    fn psql(&self) -> Command {
        let mut psql = Command::new(installed("psql"));
        psql.args([
            "-XAtq",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-d",
            "integration_api_management",
        ]);
        psql.args(["-p", &self.port.to_string(), "-h"]).arg(self.folder.path());
        psql
    }

    pub(crate) fn url(&self) -> String {
        self.url_as("postgres", PASSWORD)
    }

    pub(crate) fn url_as(&self, user: &str, password: &str) -> String {
        format!(
            "postgres://{user}:{password}@{}/integration_api_management",
            self.target()
        )
    }

    pub(crate) fn target(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}

/// An open transaction.
pub(crate) struct Held {
    session: Child,
    input: Option<ChildStdin>,
}

impl Drop for Held {
    fn drop(&mut self) {
        // psql ends with its input, and the transaction with psql.
        self.input = None;
        let _ = self.session.wait();
    }
}

/// A cluster made once and copied for each test: `initdb` takes longer than a whole test.
fn template() -> PathBuf {
    let template = Path::new(env!("CARGO_TARGET_TMPDIR")).join("postgres-template");
    if template.exists() {
        return template;
    }
    let folder = tempfile::tempdir().unwrap();
    let (data, password, sql) = (
        folder.path().join("data"),
        folder.path().join("password"),
        folder.path().join("sql"),
    );
    fs::write(&password, PASSWORD).unwrap();
    fs::write(&sql, "create database integration_api_management\n").unwrap();
    if let Some(user) = unprivileged() {
        chown(folder.path(), Some(user), Some(user)).unwrap();
    }
    let run = |command: Command, input: Stdio| {
        let output = as_user(&command, unprivileged())
            .current_dir(folder.path())
            .stdin(input)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let mut make = Command::new(installed("initdb"));
    make.args([
        "--username=postgres",
        "--auth-local=trust",
        "--auth-host=scram-sha-256",
        "--encoding=UTF8",
    ]);
    make.args(["--wal-segsize=1", "--no-sync", "--pwfile"])
        .arg(&password)
        .arg("--pgdata")
        .arg(&data);
    run(make, Stdio::null());
    // The database is made by a single-user server, which needs no port.
    let mut single = Command::new(installed("postgres"));
    single.args(["--single", "-D"]).arg(&data).arg("postgres");
    run(single, fs::File::open(&sql).unwrap().into());
    // Whoever is first names it; another test may have been quicker. A copy, since the temporary folder may be on
    // another file system.
    let beside = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let copy = beside.path().join("data");
    assert!(
        Command::new("cp")
            .arg("-a")
            .arg(&data)
            .arg(&copy)
            .status()
            .unwrap()
            .success()
    );
    if let Err(error) = fs::rename(&copy, &template) {
        assert!(template.exists(), "{}: {error}", template.display());
    }
    template
}
