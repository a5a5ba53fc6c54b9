//! The database exists with the schema that is needed.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "database/database",
    title: "The database exists with the schema that is needed",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "On another schema the application fails at its first query.",
    fix: "Run the migration again: `helm apimgmt upgrade`, or roll back with `kubectl apimgmt rollback`.",
    reads: &[],
    judge: pending::judge,
};
