//! What is expected of the database's backups.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// How old the last backup and its last proven restore may be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedBackup {
    /// The `CronJob` that makes them.
    pub cron_job: String,
    /// Oldest last backup: what may be lost at most (recovery point objective).
    pub maximum_age: Span,
    /// Oldest last restore that was proven.
    pub maximum_restore_age: Span,
    /// The `CronJob` that restores the newest once more from where it is kept; empty for none.
    pub proof: String,
    /// Oldest last success of that.
    pub maximum_proof_age: Span,
}

impl Default for ExpectedBackup {
    fn default() -> Self {
        Self {
            cron_job: "postgres-backup".into(),
            // A daily backup, and two hours for it to run.
            maximum_age: Span(Duration::from_hours(26)),
            maximum_restore_age: Span(Duration::from_hours(26)),
            proof: String::new(),
            // Once a week, and two hours for it to run.
            maximum_proof_age: Span(Duration::from_hours(7 * 24 + 2)),
        }
    }
}
