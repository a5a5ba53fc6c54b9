//! A database server and a Redis of the test's own: on loopback, in a temporary folder, ended with the test.
mod postgres;
mod redis;

use std::{
    fs,
    net::TcpListener,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

pub(crate) use self::{
    postgres::Postgres,
    redis::{Redis, Sentinel},
};

const PASSWORD: &str = "S3cret-of-the-test";
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
        let process = command.spawn().unwrap();
        Self { process, ending }
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        assert!(Command::new("kill").args([signal, &pid]).status().unwrap().success());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.process.try_wait().is_ok_and(|ended| ended.is_none()) {
            self.signal(self.ending);
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
