//! Redis answers and takes writes.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/instance",
    title: "Redis answers and takes writes",
    stage: Stage::Pre,
    phase: Phase::Cache,
    severity: Severity::Blocking,
    why: "Behind a replica or a loading server every write fails while pods look healthy.",
    fix: "Run `kubectl apimgmt troubleshoot database`.",
    reads: &[],
    judge: pending::judge,
};
