//! What runs inside a probe's pod: it does the thing for real, and its last words are the results.

mod alerts;
mod backend;
mod cache;
mod database;
mod edges;
mod http;
mod load;
mod logs;
mod storage;
mod traces;
mod visitor;

use std::{
    collections::BTreeMap,
    fmt::Display,
    time::{Duration, Instant},
};

use jiff::Timestamp;
use tokio::net::TcpStream;

use super::Probe;
use crate::{
    Boxed, Error, report,
    snapshot::{
        collect::{Credentials, Environment, Words},
        sessions::ProbeResult,
    },
};

/// Where the kubelet reads a container's last words, at most 4096 bytes of them.
const LAST_WORDS: &str = "/dev/termination-log";

/// Does what the probe is for, and leaves its results as the pod's last words. They are also printed.
///
/// # Errors
/// When the results cannot be left: then the pod has none, which is a failure of its items.
pub fn run(probe: Probe) -> Boxed<'static, ()> {
    Box::pin(async move {
        if probe == Probe::Edges {
            return leave(&report::json(&edges::probe().await));
        }
        let results = match probe {
            Probe::Application => {
                let (mut database, cache) = futures::join!(database::probe(), cache::probe());
                database.push(cache);
                database
            }
            Probe::Logs => vec![logs::probe().await],
            Probe::Traces => vec![traces::probe().await],
            Probe::Edges => Vec::new(),
            Probe::Alerts => vec![alerts::probe().await],
            Probe::Visitor => visitor::probe().await,
            Probe::Storage => vec![storage::probe(std::path::Path::new("/data"))],
        };
        leave(&report::json(&results))
    })
}

/// Makes one worker's share of the load, and leaves what it measured.
///
/// # Errors
/// As [`run`].
pub fn load() -> Boxed<'static, ()> {
    Box::pin(async move { leave(&report::json(&load::work().await)) })
}

/// The last words of the pod, which are also printed.
fn leave(text: &str) -> Result<(), Error> {
    report::print(text)?;
    std::fs::write(LAST_WORDS, text)
        .map_err(|error| Error::could_not(format!("could not write `{LAST_WORDS}`")).because(error))
}

/// How long a new pod may be refused. Policies reach a new pod some time after it began, and nothing bounds that
/// (<https://kubernetes.io/docs/concepts/services-networking/network-policies/#pod-lifecycle>); a busy node took 15 s.
const SETTLING: Duration = Duration::from_secs(30);

/// Longest time for one connection.
const CONNECTING: Duration = Duration::from_secs(5);

/// The application's own credentials for one server, out of the environment that the pod shares with it.
fn credentials(words: &Words, what: &str) -> Result<Credentials, String> {
    Environment::of_process()
        .credentials(words)
        .ok_or_else(|| format!("the application's environment names no {what}"))
}

/// Connects by the name that the application uses; port 0 stands for the usual one.
async fn connect(credentials: &Credentials, usual: u16) -> Result<TcpStream, String> {
    let port = if credentials.port == 0 { usual } else { credentials.port };
    let address = (credentials.host.as_str(), port);
    let began = Instant::now();
    loop {
        let why = match tokio::time::timeout(CONNECTING, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer in time".to_owned(),
        };
        if began.elapsed() > SETTLING {
            return Err(format!("{}:{port}: {why}", credentials.host));
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}

/// The steps of one result: each is `ok`, or says what went wrong.
#[derive(Default)]
struct Steps {
    values: BTreeMap<String, String>,
    wrong: Option<String>,
}

impl Steps {
    /// Notes a measured or compared value.
    fn note(&mut self, name: &str, value: impl Display) {
        self.values.insert(name.into(), value.to_string());
    }

    /// Notes how a step ended; the first that went wrong is the detail of the result.
    fn step<T>(&mut self, name: &str, done: Result<T, String>) -> Option<T> {
        match done {
            Ok(value) => {
                self.note(name, "ok");
                Some(value)
            }
            Err(why) => {
                self.note(name, &why);
                self.wrong.get_or_insert_with(|| format!("{name}: {why}"));
                None
            }
        }
    }

    fn result(self, item: &str, held: &str) -> ProbeResult {
        ProbeResult {
            item: item.into(),
            at: Some(Timestamp::now()),
            passed: self.wrong.is_none(),
            detail: self.wrong.unwrap_or_else(|| held.into()),
            values: self.values,
        }
    }
}
