//! Every pod answers 200 on every health path.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/health",
    title: "Every pod answers 200 on every health path",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "The Service hides one sick pod behind its healthy neighbours.",
    fix: "Run `kubectl apimgmt troubleshoot pod`.",
    reads: &[],
    judge: pending::judge,
};
