//! Every needed connection is open.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/network",
    title: "Every needed connection is open",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "One closed port makes the platform fail in ways that look like something else.",
    fix: "Run `kubectl apimgmt troubleshoot network`.",
    reads: &[],
    judge: pending::judge,
};
