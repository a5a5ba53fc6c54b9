//! A large file comes back as it went.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/files",
    title: "A large file comes back as it went",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "Limits on the way cut large files silently.",
    fix: "Raise the body limit of the ingress and the application.",
    reads: &[],
    judge: pending::judge,
};
