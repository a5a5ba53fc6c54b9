//! The cache is monitored and alerts.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/monitoring",
    title: "The cache is monitored and alerts",
    stage: Stage::Pre,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "Evictions and refused writes are silent until users feel them.",
    fix: "Enable `redis.exporter.enabled` and load its alert rules.",
    reads: &[],
    judge: pending::judge,
};
