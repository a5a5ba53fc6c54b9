//! The real binary as a process, its log, and a client that talks to it.
use std::{
    collections::HashMap,
    io::{BufRead, BufReader},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::Duration,
};

use reqwest::{Client, Method, RequestBuilder, StatusCode, redirect};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::servers::{Postgres, Redis, until};

/// The environment of a run; nothing of the test's own gets in.
#[derive(Clone, Default)]
pub(crate) struct Environment(HashMap<String, String>);

impl Environment {
    pub(crate) fn new(postgres: &Postgres, redis: &Redis) -> Self {
        Self::default()
            .with("DATABASE_URL", postgres.url())
            .with("REDIS_URL", redis.url())
            .with("LISTEN", "127.0.0.1:0")
            .with("DRAIN_DELAY", "200ms")
            .with("RATE_LIMIT_PER_SECOND", "0")
    }

    pub(crate) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.0.insert(name.to_owned(), value.into());
        self
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_sample-app"));
        command.env_clear().envs(&self.0).stdin(Stdio::null());
        command
    }

    /// Runs `migrate` to its end.
    pub(crate) fn migrate(&self) -> Output {
        self.command().arg("migrate").output().unwrap()
    }

    /// Runs `migrate`, which must succeed, and gives the environment back.
    pub(crate) fn migrated(self) -> Self {
        let output = self.migrate();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        self
    }

    /// Starts `serve`, which must come to listen.
    pub(crate) fn serve(&self) -> Application {
        let mut application = self.start();
        let listening = application.logged("listening");
        listening["address"]
            .as_str()
            .unwrap()
            .clone_into(&mut application.address);
        application
    }

    /// Starts `serve` and does not wait for it.
    pub(crate) fn start(&self) -> Application {
        let mut child = self.command().stdout(Stdio::piped()).spawn().unwrap();
        let log: Arc<Mutex<Vec<Value>>> = Arc::default();
        let (lines, written) = (BufReader::new(child.stdout.take().unwrap()).lines(), log.clone());
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let line = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line} is no JSON: {error}"));
                written.lock().unwrap().push(line);
            }
        });
        Application {
            child,
            log,
            address: String::new(),
            client: client(),
        }
    }
}

/// A running `serve`.
pub(crate) struct Application {
    child: Child,
    log: Arc<Mutex<Vec<Value>>>,
    pub(crate) address: String,
    client: Client,
}

impl Application {
    /// A request to a path.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    /// The status and the JSON of a GET.
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        let answer = self.request(Method::GET, path).send().await.unwrap();
        (answer.status(), answer.json().await.unwrap_or_default())
    }

    /// Waits until `/health/ready` has this status, and gives its JSON.
    pub(crate) async fn becomes(&self, status: StatusCode) -> Value {
        let mut ready = Value::Null;
        eventually(&format!("ready is {status}"), async || {
            let (current, body) = self.get("/health/ready").await;
            ready = body;
            current == status
        })
        .await;
        ready
    }

    /// A gauge or counter without labels, as `/metrics` shows it now.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let text = self
            .request(Method::GET, "/metrics")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
    }

    /// Everything logged so far.
    pub(crate) fn log(&self) -> Vec<Value> {
        self.log.lock().unwrap().clone()
    }

    /// Waits for a line with this message.
    pub(crate) fn logged(&self, message: &str) -> Value {
        self.logged_where(message, |line| line["message"] == message)
    }

    /// Waits for a line.
    pub(crate) fn logged_where(&self, what: &str, matches: impl Fn(&Value) -> bool) -> Value {
        until(&format!("the log says {what}"), || {
            self.log().into_iter().find(&matches)
        })
    }

    pub(crate) fn terminate(&self) {
        assert!(
            Command::new("kill")
                .args(["-TERM", &self.child.id().to_string()])
                .status()
                .unwrap()
                .success()
        );
    }

    /// Waits for the process's own end.
    pub(crate) fn ended(&mut self) -> ExitStatus {
        until("the application ends", || self.child.try_wait().unwrap())
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Polls until the condition holds.
pub(crate) async fn eventually(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(15);
    while !condition().await {
        assert!(Instant::now() < deadline, "it never came to this: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

fn client() -> Client {
    // A second test of the same process finds it installed, which is as good.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .tls_certs_only([])
        .build()
        .unwrap()
}
