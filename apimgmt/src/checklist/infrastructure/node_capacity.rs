//! The release fits on the nodes, also with a loss.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/node-capacity",
    title: "The release fits on the nodes, also with a loss",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "Pods that do not fit stay pending, often only in the next rolling update or node failure.",
    fix: "Lower requests, add nodes, or free room: `kubectl describe nodes`.",
    reads: &[],
    judge: pending::judge,
};
