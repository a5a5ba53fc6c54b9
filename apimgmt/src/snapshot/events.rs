//! Events and log lines: hostile text, capped on arrival.

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Metadata, Uid};

/// An event about an object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Event {
    /// Identity.
    pub metadata: Metadata,
    /// What it is about.
    pub involved_object: InvolvedObject,
    /// `Normal` or `Warning`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Brief reason.
    pub reason: String,
    /// Message.
    pub message: String,
    /// Repetitions.
    pub count: i64,
    /// First seen.
    pub first_timestamp: Option<Timestamp>,
    /// Last seen.
    pub last_timestamp: Option<Timestamp>,
    /// When it happened, for events of the newer API.
    pub event_time: Option<Timestamp>,
    /// Repetitions, for events of the newer API.
    #[serde(deserialize_with = "null_is_default")]
    pub series: Series,
}

/// Repetitions of an event of the newer API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Series {
    /// Last seen.
    pub last_observed_time: Option<Timestamp>,
}

fn null_is_default<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Series, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

/// What an event is about.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct InvolvedObject {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Unique id.
    pub uid: Uid,
    /// Part of it, such as `spec.containers{app}`.
    pub field_path: String,
}

impl Event {
    /// Whether it is about an object, `kind/name`.
    pub fn is_about(&self, object: &str) -> bool {
        let about = &self.involved_object;
        object
            .split_once('/')
            .is_some_and(|(kind, name)| about.kind.eq_ignore_ascii_case(kind) && about.name == name)
    }

    /// When it was last seen.
    pub fn last_seen(&self) -> Option<Timestamp> {
        self.series
            .last_observed_time
            .or(self.last_timestamp)
            .or(self.event_time)
            .or(self.first_timestamp)
    }
}

/// The last lines of one run of a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LogTail {
    /// Pod.
    pub pod: String,
    /// Container.
    pub container: String,
    /// Whether it is the run before this one.
    pub previous: bool,
    /// Lines, oldest first; secrets redacted, lengths capped.
    pub lines: Vec<String>,
}
