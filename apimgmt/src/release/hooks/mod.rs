//! What users want done around a change: a command on this machine, a Job in the cluster, an HTTP call, before Helm works or
//! after the gate of a phase has passed.
//!
//! Hooks come from `--hooks FILE` and from `hooks:` in values that the user gave, never from a chart's own defaults: whoever
//! writes a chart must not run commands on its user's machine.

mod command;
mod http;
mod job;
mod output;
mod prometheus;

use std::{collections::BTreeMap, path::Path, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(super) use output::Output;

use super::Reader;
use crate::{
    Error, ExitCode,
    checklist::Phase,
    operation::{Interrupt, Step},
    report::progress::Progress,
    values::Span,
};

/// Longest that a hook takes unless it says otherwise.
const TIMEOUT: Span = Span(Duration::from_mins(5));

/// One hook.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Hook {
    /// Its name, for plans, progress and the journal.
    pub name: String,
    /// Runs before Helm does anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Phase>,
    /// Runs when the gate of this phase has passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Phase>,
    /// A program of this machine and its arguments, run without a shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,
    /// A Job in the release's namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job: Option<JobHook>,
    /// An HTTP call from this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<HttpHook>,
    /// A query to the release's Prometheus, as a gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prometheus: Option<PrometheusHook>,
    /// Variables, for a command and a job.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Longest that it takes.
    #[serde(default = "timeout")]
    pub timeout: Span,
    /// What its failure means.
    #[serde(default)]
    pub on_failure: OnFailure,
}

/// A Job: its image and what runs in it. It meets Pod Security `restricted`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct JobHook {
    /// Image.
    pub image: String,
    /// Command; empty: the image's own.
    #[serde(default)]
    pub command: Vec<String>,
    /// Secrets whose keys become variables.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Service account; empty: the namespace's own, without a token.
    #[serde(default)]
    pub service_account: String,
}

/// A call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HttpHook {
    /// Address; it may hold a token, and is never shown whole.
    pub url: String,
    /// Method.
    #[serde(default = "post")]
    pub method: String,
    /// Headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Body.
    #[serde(default)]
    pub body: String,
    /// The status that it must answer; 0: any of 200 to 299.
    #[serde(default)]
    pub status: u16,
}

/// A query, and the bound that each of its values keeps, at every look of a window.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PrometheusHook {
    /// `PromQL`; each of its values counts, and none at all is a failure.
    pub query: String,
    /// Highest good value.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// Lowest good value.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// How long it must hold; absent: once.
    #[serde(default = "once")]
    pub during: Span,
}

/// What a failure of a hook means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The change has failed.
    #[default]
    Fail,
    /// It is told, and the change goes on.
    Continue,
}

const fn timeout() -> Span {
    TIMEOUT
}

const fn once() -> Span {
    Span(Duration::ZERO)
}

fn post() -> String {
    "POST".into()
}

/// Where and for what hooks run.
pub(super) struct Surroundings<'a> {
    pub(super) reader: &'a Reader,
    pub(super) release: &'a str,
    pub(super) verb: &'static str,
    pub(super) progress: &'a Progress,
    pub(super) interrupt: &'a Interrupt,
}

/// The hooks of one change, in the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Hooks(Vec<Hook>);

impl Hooks {
    /// Those of a file: a list, or a map with the list under `hooks`.
    ///
    /// # Errors
    /// When it can't be read, or a hook is not one.
    pub fn of_file(file: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| Error::usage(format!("could not read `{}`", file.display())).because(error))?;
        let place = file.display().to_string();
        let value = serde_yaml::from_str(&text)
            .map_err(|error| Error::usage(format!("`{place}` is no YAML")).because(error))?;
        Self::of(value, &place)
    }

    /// Those of a value.
    ///
    /// # Errors
    /// When a hook is not one: with its place.
    pub fn of(value: Value, place: &str) -> Result<Self, Error> {
        let list = match value {
            Value::Object(mut map) => map.remove("hooks").unwrap_or_default(),
            other => other,
        };
        if list.is_null() {
            return Ok(Self::default());
        }
        let Value::Array(list) = list else {
            return Err(Error::usage(format!("`hooks` of {place} is no list")));
        };
        let one = |(at, hook): (usize, Value)| {
            let hook: Hook = serde_json::from_value(hook)
                .map_err(|error| Error::usage(format!("hook {} of {place} is wrong", at + 1)).because(error))?;
            hook.checked(place)
        };
        list.into_iter()
            .enumerate()
            .map(one)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// These, and then others.
    #[must_use]
    pub fn and(mut self, others: Self) -> Self {
        self.0.extend(others.0);
        self
    }

    /// Those that run before Helm, phase by phase.
    pub(super) fn before(&self) -> Vec<&Hook> {
        let mut hooks: Vec<_> = self.0.iter().filter(|hook| hook.before.is_some()).collect();
        hooks.sort_by_key(|hook| hook.before);
        hooks
    }

    /// Those that run when the gate of a phase has passed.
    pub(super) fn after(&self, phase: Phase) -> impl Iterator<Item = &Hook> {
        self.0.iter().filter(move |hook| hook.after == Some(phase))
    }

    /// As steps of a plan, before or after Helm.
    pub(super) fn steps(&self, before: bool) -> Vec<Step> {
        let hooks = self.0.iter().filter(|hook| hook.before.is_some() == before);
        hooks.map(Hook::step).collect()
    }
}

impl Hook {
    fn checked(self, place: &str) -> Result<Self, Error> {
        let wrong = |what: &str| Err(Error::usage(format!("hook `{}` of {place} {what}", self.name)));
        let ways = [
            !self.command.is_empty(),
            self.job.is_some(),
            self.http.is_some(),
            self.prometheus.is_some(),
        ];
        if self.name.trim().is_empty() {
            return Err(Error::usage(format!("a hook of {place} has no name")));
        }
        if ways.iter().filter(|way| **way).count() != 1 {
            return wrong("needs one of `command`, `job`, `http` and `prometheus`");
        }
        if self
            .prometheus
            .as_ref()
            .is_some_and(|gate| gate.at_most.is_none() && gate.at_least.is_none())
        {
            return wrong("needs `atMost` or `atLeast`");
        }
        if self.before.is_some() == self.after.is_some() {
            return wrong("needs one of `before` and `after`, with a phase");
        }
        Ok(self)
    }

    /// What it does, without what may be secret.
    fn what(&self) -> String {
        match (&self.job, &self.http, &self.prometheus) {
            (Some(job), ..) => format!("a Job of {}", job.image),
            (_, Some(http), _) => format!("{} {}", http.method, http::place(&http.url)),
            (.., Some(gate)) => format!("Prometheus is asked for `{}`", gate.query),
            _ => format!("`{}`", self.command.first().map_or("", String::as_str)),
        }
    }

    fn step(&self) -> Step {
        let when = match (self.before, self.after) {
            (Some(phase), _) => format!("before {phase:?}"),
            (_, Some(phase)) => format!("when the gate of {phase:?} has passed"),
            (None, None) => String::new(),
        };
        let why = match self.on_failure {
            OnFailure::Fail => "asked for; the change fails when it fails",
            OnFailure::Continue => "asked for; its failure is only told",
        };
        let what = format!("hook `{}`: {}, {}", self.name, self.what(), when.to_lowercase());
        Step::new(&format!("hook {}", self.name), what, why, "")
    }
}

/// Runs a hook to its end.
///
/// # Errors
/// When it failed and its failure counts, or somebody interrupted it.
pub(super) async fn run(hook: &Hook, surroundings: &Surroundings<'_>) -> Result<(), Error> {
    let progress = surroundings.progress;
    progress.say(&format!("hook `{}`: {}", hook.name, hook.what()));
    let output = Output::of(&hook.name, surroundings).await;
    let work = async {
        match (&hook.job, &hook.http, &hook.prometheus) {
            (Some(job), ..) => job::run(hook, job, surroundings, &output).await,
            (_, Some(http), _) => http::run(http, &output).await,
            (.., Some(gate)) => prometheus::run(gate, surroundings, &output).await,
            _ => command::run(hook, surroundings, &output).await,
        }
    };
    let ended = tokio::select! {
        ended = tokio::time::timeout(hook.timeout.0, work) => {
            ended.unwrap_or_else(|_| Err(format!("it did not end within {} s", hook.timeout.0.as_secs())))
        }
        () = surroundings.interrupt.asked() => {
            job::end(hook, surroundings).await;
            return Err(Error::new(ExitCode::Interrupted, format!("interrupted in hook `{}`", hook.name)));
        }
    };
    job::end(hook, surroundings).await;
    match ended {
        Ok(()) => Ok(()),
        Err(why) if hook.on_failure == OnFailure::Continue => {
            progress.say(&format!(
                "hook `{}` failed, and the change goes on: {}",
                hook.name,
                output.masked(&why)
            ));
            Ok(())
        }
        Err(why) => {
            Err(Error::new(ExitCode::Wrong, format!("hook `{}` failed", hook.name)).because(output.masked(&why)))
        }
    }
}

#[cfg(test)]
mod tests;
