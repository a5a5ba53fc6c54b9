//! The cluster is healthy and of a supported version.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/cluster",
    title: "The cluster is healthy and of a supported version",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "On an unhealthy or unsupported control plane nothing that follows can be trusted.",
    fix: "Run `kubectl get --raw '/readyz?verbose'` and `kubectl get nodes`, and mend what they name.",
    reads: &[],
    judge: pending::judge,
};
