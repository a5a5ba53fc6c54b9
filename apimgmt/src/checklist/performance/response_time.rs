//! The 95th percentile of latency is under target.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/response-time",
    title: "The 95th percentile of latency is under target",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Blocking,
    why: "Slow is the new down.",
    fix: "Look at the slowest route in Grafana and at `kubectl apimgmt troubleshoot`.",
    reads: &[],
    judge: pending::judge,
};
