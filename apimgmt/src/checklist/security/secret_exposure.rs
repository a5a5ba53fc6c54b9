//! No secret shows in logs, environment or notes.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/secret-exposure",
    title: "No secret shows in logs, environment or notes",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A secret in a log is in every copy of that log.",
    fix: "Rotate the secret that is named and remove it from where it shows.",
    reads: &[],
    judge: pending::judge,
};
