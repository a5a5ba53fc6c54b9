//! PostgreSQL answers, takes writes and is supported.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "database/instance",
    title: "PostgreSQL answers, takes writes and is supported",
    stage: Stage::Pre,
    phase: Phase::Database,
    severity: Severity::Blocking,
    why: "Behind a standby or with wrong credentials every write fails while pods look healthy.",
    fix: "Run `kubectl apimgmt troubleshoot database`.",
    reads: &[],
    judge: pending::judge,
};
