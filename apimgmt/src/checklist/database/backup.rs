//! Backups are fresh, and one was restored.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "database/backup",
    title: "Backups are fresh, and one was restored",
    stage: Stage::Pre,
    phase: Phase::Database,
    severity: Severity::Blocking,
    why: "A backup that nobody restored is a hope.",
    fix: "Run `kubectl apimgmt maintain backup`.",
    reads: &[],
    judge: pending::judge,
};
