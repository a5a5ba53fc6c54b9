//! The expected rate is sustained.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/throughput",
    title: "The expected rate is sustained",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Blocking,
    why: "Launch day is the wrong day to learn the limit.",
    fix: "Raise `autoscaling.maxReplicas` or the resources of the bottleneck.",
    reads: &[],
    judge: pending::judge,
};
