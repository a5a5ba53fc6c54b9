//! Denied connections are really denied.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/traffic-isolation",
    title: "Denied connections are really denied",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "Policies without an enforcing network are paper.",
    fix: "Install a network plugin that enforces NetworkPolicy.",
    reads: &[],
    judge: pending::judge,
};
