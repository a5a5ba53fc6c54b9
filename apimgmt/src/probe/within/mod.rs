//! What runs inside a probe's pod: it does the thing for real, and its last words are the results.

mod cache;
mod database;
mod storage;

use std::{
    collections::BTreeMap,
    fmt::Display,
    time::{Duration, Instant},
};

use jiff::Timestamp;

use super::Probe;
use crate::{Error, report, snapshot::sessions::ProbeResult};

/// Where the kubelet reads a container's last words, at most 4096 bytes of them.
const LAST_WORDS: &str = "/dev/termination-log";

/// Does what the probe is for, and leaves its results as the pod's last words. They are also printed.
///
/// # Errors
/// When the results cannot be left: then the pod has none, which is a failure of its items.
pub async fn run(probe: Probe) -> Result<(), Error> {
    let results = match probe {
        Probe::Application => {
            let (mut database, cache) = futures::join!(database::probe(), cache::probe());
            database.push(cache);
            database
        }
        Probe::Storage => vec![storage::probe(std::path::Path::new("/data"))],
    };
    let text = report::json(&results);
    report::print(&text)?;
    std::fs::write(LAST_WORDS, text)
        .map_err(|error| Error::could_not(format!("could not write `{LAST_WORDS}`")).because(error))
}

/// How long a new pod may be refused: network policies take a moment until they know it.
const SETTLING: Duration = Duration::from_secs(10);

/// Tries until it succeeds, or fails in another way than having no connection, or the time for settling is over.
async fn settled<T, E>(
    no_connection: impl Fn(&E) -> bool,
    mut attempt: impl AsyncFnMut() -> Result<T, E>,
) -> Result<T, E> {
    let began = Instant::now();
    loop {
        match attempt().await {
            Err(error) if no_connection(&error) && began.elapsed() < SETTLING => {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            ended => return ended,
        }
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

/// The first of some environment variables that is set and not empty.
fn variable(names: &[&str]) -> Option<String> {
    names
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}
