//! What Prometheus tells of its rules: whether they are loaded, evaluate without error, and what they alert on now.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An alerting or recording rule that Prometheus has loaded.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// `alerting` or `recording`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Group that it is evaluated in.
    pub group: String,
    /// The alert, or the series that it records.
    pub name: String,
    /// The expression.
    pub query: String,
    /// `ok`, `err`, or `unknown` before the first evaluation.
    pub health: String,
    /// Why the last evaluation failed.
    pub last_error: String,
    /// When it was evaluated last; `None` when it never was.
    pub last_evaluation: Option<Timestamp>,
    /// `inactive`, `pending`, `firing`; empty for a recording rule.
    pub state: String,
    /// Label `severity`.
    pub severity: String,
}
