//! Where values of secrets were searched for, and where they were found; never the values.

use serde::{Deserialize, Serialize};

use crate::snapshot::Unreadable;

/// A search for every secret's value where none may be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Exposure {
    /// Values that were searched for.
    pub values: usize,
    /// Values that would be found in innocent text, and were not.
    pub left_out: Vec<LeftOut>,
    /// Where it was searched.
    pub searched: Vec<Searched>,
    /// What was found.
    pub found: Vec<Found>,
}

/// A value that was not searched for.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct LeftOut {
    /// Secret.
    pub secret: String,
    /// Key in it.
    pub key: String,
    /// Why.
    pub why: String,
}

/// A kind of place that was searched.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Searched {
    /// Kind: see [`Searched::PLACES`].
    pub place: String,
    /// How many logs, objects, records.
    pub count: usize,
    /// How much of it.
    pub bytes: u64,
    /// What of it nobody gave leave to read.
    pub refused: Vec<Unreadable>,
    /// What else of it could not be searched, and why.
    pub gaps: Vec<String>,
}

impl Searched {
    /// Every kind of place that a whole search covers.
    pub const PLACES: [&str; 4] = ["logs", "workloads", "config maps", "Helm values and notes"];
}

/// A value that was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Found {
    /// Where: an object and a field in it, or the log of a container.
    pub place: String,
    /// Secret that it belongs to.
    pub secret: String,
    /// Key in it.
    pub key: String,
    /// `plain`, `base64`, `URL-encoded`.
    pub form: String,
}
