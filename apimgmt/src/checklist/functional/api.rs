//! The core calls of the API succeed.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/api",
    title: "The core calls of the API succeed",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "It is what users came for.",
    fix: "Repeat the call that is named and look at the application's log.",
    reads: &[],
    judge: pending::judge,
};
