//! The autoscaler can scale.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/auto-scaling",
    title: "The autoscaler can scale",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "Without metrics it holds the last number for ever.",
    fix: "Run `kubectl describe hpa` and mend the condition that is false.",
    reads: &[],
    judge: pending::judge,
};
