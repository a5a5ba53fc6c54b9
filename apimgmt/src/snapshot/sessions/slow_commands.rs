//! What Redis noted of commands that held everybody up: never their arguments.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One entry of the slow log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SlowCommand {
    /// The command's name.
    pub command: String,
    /// When it ran.
    pub at: Option<Timestamp>,
    /// How long it took.
    pub microseconds: i64,
}
