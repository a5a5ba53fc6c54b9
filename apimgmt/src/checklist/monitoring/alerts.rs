//! Alert rules evaluate, and alerts arrive.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/alerts",
    title: "Alert rules evaluate, and alerts arrive",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Blocking,
    why: "A rule that reaches nobody is not an alert.",
    fix: "Give Alertmanager a receiver: `alertmanager.config`.",
    reads: &[],
    judge: pending::judge,
};
