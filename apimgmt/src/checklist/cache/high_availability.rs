//! Sentinel has a quorum and one opinion.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/high-availability",
    title: "Sentinel has a quorum and one opinion",
    stage: Stage::Pre,
    phase: Phase::Cache,
    severity: Severity::Blocking,
    why: "Without a quorum nobody takes over when the master dies.",
    fix: "Restart the Sentinel that is named and look at its log.",
    reads: &[],
    judge: pending::judge,
};
