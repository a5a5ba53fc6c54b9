//! A database server and a Redis of the test's own: on loopback, in a temporary folder, ended with the test.
use std::{
    fs,
    net::{TcpListener, TcpStream},
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

pub(crate) const PASSWORD: &str = "S3cret-of-the-test";
const LIMIT: Duration = Duration::from_secs(15);

/// Polls until `condition` gives something.
pub(crate) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + LIMIT;
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(Instant::now() < deadline, "not within {LIMIT:?}: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that ends with this value, or with the test's thread should that die first.
struct Server {
    process: Child,
    ending: &'static str,
}

impl Server {
    /// `user` is who runs it if the test runs as root: the database server refuses root. `ending` is the signal that ends it.
    fn start(command: &Command, user: Option<u32>, ending: &'static str, log: &Path) -> Self {
        let log = fs::File::create(log).unwrap();
        let mut command = as_user(command, user);
        command
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        Self {
            process: command.spawn().unwrap(),
            ending,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            let pid = self.process.id().to_string();
            let _ = Command::new("kill").args([self.ending, &pid]).status();
        }
        let _ = self.process.wait();
    }
}

/// The same command under another user, and with a death of the parent's as its own.
fn as_user(command: &Command, user: Option<u32>) -> Command {
    let mut wrapped = Command::new("setpriv");
    wrapped.args(["--pdeathsig", "KILL"]);
    if let Some(user) = user {
        wrapped.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"]);
    }
    wrapped.arg(command.get_program()).args(command.get_args());
    wrapped
}

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
        psql.args(["-p", &self.port.to_string(), "-c", sql, "-h"])
            .arg(self.folder.path());
        let output = psql.output().unwrap();
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

    pub(crate) fn url(&self) -> String {
        format!("redis://:{PASSWORD}@{}/0", self.target())
    }

    pub(crate) fn target(&self) -> String {
        format!("127.0.0.1:{}", self.port)
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

/// The user that the database server runs as: nobody in particular, or this one if it is not root.
fn unprivileged() -> Option<u32> {
    const NOBODY: u32 = 65_534;
    let is_root = fs::metadata("/proc/self").unwrap().uid() == 0;
    is_root.then_some(NOBODY)
}

/// A program of Debian's packages, of the newest version installed.
fn installed(program: &str) -> PathBuf {
    let mut places: Vec<PathBuf> = fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin").join(program))
        .filter(|path| path.exists())
        .collect();
    places.sort();
    let elsewhere = || PathBuf::from("/usr/bin").join(program);
    let path = places.pop().unwrap_or_else(elsewhere);
    assert!(
        path.exists(),
        "{program} is not installed\nhint: apt-get install -y postgresql redis-server"
    );
    path
}
