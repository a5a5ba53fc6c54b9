//! A mutation as its file writes it: what is broken, what must be said of it, and how it is mended.

use std::{collections::BTreeMap, fs, time::Duration};

use serde::Deserialize;

use crate::sandbox::{Namespace, Ran, root};

/// Longest time until a change shows: two scrapes of the usage, and a rollout.
const PATIENCE: Duration = Duration::from_mins(3);
/// The same where a load shows it: a minute of load, and the autoscaler's way back, each twice.
const PATIENCE_WITH_LOAD: Duration = Duration::from_mins(8);

/// One way to break what one item proves.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Mutation {
    /// The file's name without its end.
    #[serde(skip)]
    pub(crate) name: String,
    pub(crate) item: String,
    #[serde(default = "fail")]
    pub(crate) verdict: String,
    /// Part of what the row must say.
    pub(crate) detail: String,
    /// Every other item that changes, with its verdict.
    #[serde(default)]
    pub(crate) also: BTreeMap<String, String>,
    /// Only a probe shows it.
    #[serde(default)]
    active: bool,
    /// Only load shows it.
    #[serde(default)]
    load: bool,
    /// It breaks what every release of the cluster stands on.
    #[serde(default)]
    pub(crate) cluster: bool,
    /// Values over the sandbox's that the release needs for it: a file below the checkout.
    #[serde(default)]
    pub(crate) values: Option<String>,
    /// What an item needs to be told of at all, such as traffic.
    #[serde(default)]
    prepare: Vec<Step>,
    change: Vec<Step>,
    undo: Vec<Step>,
}

/// One command.
#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Step {
    /// kubectl in the release's namespace.
    Kubectl(Vec<String>),
    /// A statement as the server's superuser, from inside its pod.
    Sql(String),
    /// A command as the server's administrator, from inside its pod.
    Redis(Vec<String>),
    /// A manifest, in which `$(NAMESPACE)` stands for the release's namespace as in arguments of kubectl.
    Apply(serde_json::Value),
}

fn fail() -> String {
    "fail".into()
}

impl Mutation {
    /// Every mutation, by name.
    pub(crate) fn all() -> Vec<Self> {
        let folder = root().join("tests/e2e/mutations/items");
        let mut all: Vec<_> = fs::read_dir(folder)
            .expect("mutations are there")
            .map(|entry| {
                let file = entry.expect("readable").path();
                let text = fs::read_to_string(&file).expect("readable");
                // By way of JSON, whose enums are maps: YAML's own would be tags.
                let read = serde_yaml::from_str(&text).map_err(|error| error.to_string());
                let read = read.and_then(|value| serde_json::from_value(value).map_err(|error| error.to_string()));
                let mut mutation: Self = read.unwrap_or_else(|error| panic!("{}: {error}", file.display()));
                mutation.name = file.file_stem().expect("it has a name").to_string_lossy().into_owned();
                assert!(
                    mutation.name.starts_with(&mutation.item.replace('/', "-")),
                    "{} is not named after {}",
                    mutation.name,
                    mutation.item
                );
                mutation
            })
            .collect();
        all.sort_by(|left, right| left.name.cmp(&right.name));
        all
    }

    /// Longest time until it shows.
    pub(crate) fn patience(&self) -> Duration {
        if self.load { PATIENCE_WITH_LOAD } else { PATIENCE }
    }

    pub(crate) fn prepare(&self, place: &Namespace) -> Result<(), String> {
        self.prepare.iter().try_for_each(|step| step.run(place))
    }

    pub(crate) fn change(&self, place: &Namespace) -> Result<(), String> {
        self.change.iter().try_for_each(|step| step.run(place))
    }

    /// Takes every step, also after one that failed: what is broken may be the whole cluster's.
    pub(crate) fn undo(&self, place: &Namespace) -> Result<(), String> {
        let steps: Vec<_> = self.undo.iter().map(|step| step.run(place)).collect();
        steps.into_iter().collect()
    }

    /// Probes what only a probe or a load shows; its verdict is read afterwards.
    pub(crate) fn probe(&self, place: &Namespace) {
        for (is_needed, flag) in [(self.active, "--active"), (self.load, "--load")] {
            if is_needed {
                place.apimgmt(&["verify", flag, &self.item]);
            }
        }
    }
}

impl Step {
    fn run(&self, place: &Namespace) -> Result<(), String> {
        let named = |text: &str| text.replace("$(NAMESPACE)", &place.name);
        match self {
            Self::Kubectl(arguments) => {
                let named: Vec<_> = arguments.iter().map(|word| named(word)).collect();
                let arguments: Vec<_> = named.iter().map(String::as_str).collect();
                done(&place.kubectl(&arguments))
            }
            Self::Sql(statement) => {
                let session = "psql --username postgres --dbname integration_api_management --set ON_ERROR_STOP=1 --command \"$0\"";
                let inside = [
                    "exec",
                    "postgres-0",
                    "--container",
                    "postgres",
                    "--",
                    "sh",
                    "-c",
                    session,
                    statement,
                ];
                done(&place.kubectl(&inside))
            }
            Self::Redis(words) => {
                let session = "REDISCLI_AUTH=\"$REDIS_PASSWORD\" exec redis-cli \"$@\"";
                let mut inside = vec![
                    "exec",
                    "redis-0",
                    "--container",
                    "redis",
                    "--",
                    "sh",
                    "-c",
                    session,
                    "redis-cli",
                ];
                inside.extend(words.iter().map(String::as_str));
                done(&place.kubectl(&inside))
            }
            Self::Apply(manifest) => done(&place.apply_text(&named(&manifest.to_string()))),
        }
    }
}

fn done(ran: &Ran) -> Result<(), String> {
    if ran.code() == 0 { Ok(()) } else { Err(ran.text()) }
}
