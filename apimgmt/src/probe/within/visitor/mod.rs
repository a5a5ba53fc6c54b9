//! The platform as a visitor from outside the namespace meets it: calls, routes, tokens, permissions, files.

mod access;
mod api;
mod authentication;
mod browser;
mod calls;
mod client;
mod files;
mod gateway;
mod tokens;

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use self::{client::Client, tokens::Tokens};
use super::{SETTLING, Steps};
use crate::{
    probe::errand::{Errand, VARIABLE},
    snapshot::{hostile, sessions::ProbeResult},
    values::fingerprint,
};

/// Longest time for everything together: the pod must say what it saw before it is ended.
const LONGEST: Duration = Duration::from_secs(75);
/// The kubelet takes so many bytes of last words.
const LAST_WORDS: usize = 4000;

/// How a clause came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    Held,
    /// It could not be tried, or is not declared.
    Untried(String),
    Wrong(String),
}

impl Outcome {
    /// Several in one: what is wrong wins over what could not be tried.
    fn all(outcomes: impl IntoIterator<Item = Self>) -> Self {
        let (mut wrong, mut untried, mut held) = (Vec::new(), Vec::new(), 0);
        for outcome in outcomes {
            match outcome {
                Self::Held => held += 1,
                Self::Untried(why) => untried.push(why),
                Self::Wrong(why) => wrong.push(why),
            }
        }
        let listed = |mut all: Vec<String>| {
            let more = all.len().saturating_sub(2);
            all.truncate(2);
            if more > 0 {
                all.push(format!("and {more} more"));
            }
            all.join("; ")
        };
        if !wrong.is_empty() {
            return Self::Wrong(listed(wrong));
        }
        if !untried.is_empty() {
            return Self::Untried(listed(untried));
        }
        if held == 0 {
            return Self::Untried("nothing is declared".into());
        }
        Self::Held
    }
}

impl Steps {
    /// Notes how a clause came out, as the items read it.
    fn outcome(&mut self, name: &str, outcome: Outcome) {
        match outcome {
            Outcome::Held => _ = self.step(name, Ok(())),
            Outcome::Untried(why) => self.note(name, format!("untried: {why}")),
            Outcome::Wrong(why) => _ = self.step::<()>(name, Err(why)),
        }
    }
}

/// What every part of the visit needs.
pub(super) struct Visit {
    errand: Errand,
    client: Client,
    tokens: Tokens,
    /// A word of this run, for names that nobody else has.
    unique: String,
}

impl Visit {
    /// The URL of a path on a public host.
    fn url(&self, host: &str, path: &str) -> Result<String, String> {
        let host = if host.is_empty() {
            self.errand.hosts.first().map(String::as_str).unwrap_or_default()
        } else {
            host
        };
        if host.is_empty() {
            return Err("no public host is declared (`checklist.hosts`)".into());
        }
        Ok(format!("https://{host}{path}"))
    }

    /// Fills in what stands in braces.
    fn filled(&self, text: &str, captured: &BTreeMap<String, String>) -> String {
        let text = text.replace("{unique}", &self.unique);
        captured
            .iter()
            .fold(text, |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }
}

/// Does everything that is declared.
pub(super) async fn probe() -> Vec<ProbeResult> {
    let errand = match std::env::var(VARIABLE).map(|text| serde_json::from_str::<Errand>(&text)) {
        Ok(Ok(errand)) => errand,
        _ => return failed("the pod was not told what to do"),
    };
    match Box::pin(tokio::time::timeout(LONGEST, visit(errand))).await {
        Ok(results) => fit(results),
        Err(_) => failed(&format!("not done within {} s", LONGEST.as_secs())),
    }
}

const ITEMS: [&str; 6] = [
    "functional/api",
    "functional/gateway",
    "functional/authentication",
    "security/access-control",
    "security/authorization",
    "functional/files",
];

/// Nothing could be done at all.
fn failed(why: &str) -> Vec<ProbeResult> {
    let result = |item: &&str| {
        let mut steps = Steps::default();
        steps.step::<()>("reach", Err(why.to_owned()));
        steps.result(item, "")
    };
    ITEMS.iter().map(result).collect()
}

async fn visit(errand: Errand) -> Vec<ProbeResult> {
    let client = match Client::new(&errand.authority, errand.instead()) {
        Ok(client) => client,
        Err(why) => return failed(&why),
    };
    let unique = format!("p{}", jiff::Timestamp::now().as_millisecond());
    let mut visit = Visit {
        errand,
        client,
        tokens: Tokens::default(),
        unique,
    };
    if let Err(why) = settle(&visit).await {
        return failed(&why);
    }
    visit.tokens = Tokens::fetch(&visit.client, &visit.errand.authentication).await;
    let (api, authentication, access_control, authorization, files, mut gateway) = futures::join!(
        api::probe(&visit),
        authentication::probe(&visit),
        access::control(&visit),
        access::authorization(&visit),
        files::probe(&visit),
        gateway::probe(&visit),
    );
    // Last: whoever is refused for asking too often is refused everywhere.
    gateway::rate(&visit, &mut gateway).await;
    let errand = &visit.errand;
    let declared = [
        fingerprint(&errand.api),
        fingerprint(&errand.gateway),
        fingerprint(&errand.authentication),
        fingerprint(&errand.access_control),
        fingerprint(&errand.authorization),
        fingerprint(&errand.files),
    ];
    let steps = [api, gateway, authentication, access_control, authorization, files];
    ITEMS
        .iter()
        .zip(steps)
        .zip(declared)
        .map(|((item, mut steps), declared)| {
            steps.note("declared", declared);
            steps.result(item, "everything that is declared and could be tried held")
        })
        .collect()
}

/// A new pod's way out may be shut for a moment.
async fn settle(visit: &Visit) -> Result<(), String> {
    let url = visit.url("", "/")?;
    let began = Instant::now();
    loop {
        match visit.client.connect(&url).await {
            Ok(_) => return Ok(()),
            Err(why) if began.elapsed() > SETTLING => return Err(why),
            Err(_) => tokio::time::sleep(Duration::from_millis(250)).await,
        }
    }
}

/// Shortens what was seen until the kubelet takes all of it: whole words of the first troubles, less of each.
fn fit(mut results: Vec<ProbeResult>) -> Vec<ProbeResult> {
    for longest in [240, 160, 100, 60, 30] {
        for result in &mut results {
            result.detail = hostile::capped(&result.detail, longest);
            for value in result.values.values_mut() {
                *value = hostile::capped(value, longest);
            }
        }
        if crate::report::json(&results).len() <= LAST_WORDS {
            break;
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_wins_and_nothing_at_all_never_held() {
        let (wrong, untried) = (
            |why: &str| Outcome::Wrong(why.into()),
            |why: &str| Outcome::Untried(why.into()),
        );
        assert_eq!(Outcome::all([Outcome::Held, untried("a"), wrong("b")]), wrong("b"));
        assert_eq!(Outcome::all([Outcome::Held, untried("a")]), untried("a"));
        assert_eq!(Outcome::all([]), untried("nothing is declared"));
        assert_eq!(
            Outcome::all([wrong("a"), wrong("b"), wrong("c"), wrong("d")]),
            wrong("a; b; and 2 more")
        );
    }

    #[test]
    fn the_worst_day_still_fits_into_the_last_words() {
        let long = "x".repeat(3000);
        let result = |item: &&str| {
            let mut steps = Steps::default();
            for clause in 0..11 {
                steps.outcome(&format!("clauseNumber{clause}"), Outcome::Wrong(long.clone()));
            }
            steps.result(item, "")
        };
        let fitted = fit(ITEMS.iter().map(result).collect());
        assert!(crate::report::json(&fitted).len() <= 4096);
        assert!(fitted.iter().all(|result| !result.passed && result.values.len() == 11));
    }
}
