//! Service accounts have what they need and no more.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/rbac",
    title: "Service accounts have what they need and no more",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "A stolen token is worth exactly what its account may do.",
    fix: "Bind a Role with the verbs that are named, and remove the others.",
    reads: &[],
    judge: pending::judge,
};
