//! The pools cannot exhaust the database.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "database/pooling",
    title: "The pools cannot exhaust the database",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "At the next surge the last pods find no connection left.",
    fix: "Lower `config.databasePoolSize` or raise `max_connections`.",
    reads: &[],
    judge: pending::judge,
};
