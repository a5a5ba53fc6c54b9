//! Redis persists as declared.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/persistence",
    title: "Redis persists as declared",
    stage: Stage::Pre,
    phase: Phase::Cache,
    severity: Severity::Blocking,
    why: "A cache that silently stopped saving is empty after its next restart.",
    fix: "Look at `redis-cli info persistence` and the free room of its volume.",
    reads: &[],
    judge: pending::judge,
};
