//! No running image has a critical vulnerability.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/vulnerabilities",
    title: "No running image has a critical vulnerability",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "Known holes are the first ones tried.",
    fix: "Rebuild the image that is named on a patched base.",
    reads: &[],
    judge: pending::judge,
};
