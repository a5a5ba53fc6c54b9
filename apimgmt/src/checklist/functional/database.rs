//! Records are created, read, changed and deleted.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/database",
    title: "Records are created, read, changed and deleted",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A pool that connects may still not be allowed to write.",
    fix: "Run `kubectl apimgmt troubleshoot database`.",
    reads: &[],
    judge: pending::judge,
};
