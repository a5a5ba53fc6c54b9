//! An external check is configured and green.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/synthetic",
    title: "An external check is configured and green",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "Only a check from outside sees what users see.",
    fix: "Configure the external check in `checklist.monitoring.synthetic`.",
    reads: &[],
    judge: pending::judge,
};
