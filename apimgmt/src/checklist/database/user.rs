//! The application's role can do its work and no more.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "database/user",
    title: "The application's role can do its work and no more",
    stage: Stage::Pre,
    phase: Phase::Database,
    severity: Severity::Blocking,
    why: "An over-powered role turns one injection into the loss of everything.",
    fix: "Grant or revoke what is named.",
    reads: &[],
    judge: pending::judge,
};
