//! Only the declared ports are exposed.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/firewall",
    title: "Only the declared ports are exposed",
    stage: Stage::Pre,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "An open path that nobody declared is one that nobody guards.",
    fix: "Close the path that is named, or declare it in `checklist.exposure`.",
    reads: &[],
    judge: pending::judge,
};
