//! PostgreSQL's settings are safe and fit its limits.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "database/tuning",
    title: "PostgreSQL's settings are safe and fit its limits",
    stage: Stage::Pre,
    phase: Phase::Database,
    severity: Severity::Blocking,
    why: "Unsafe settings lose data; poor ones lose speed.",
    fix: "Set the value that is named in `postgresql.settings`.",
    reads: &[],
    judge: pending::judge,
};
