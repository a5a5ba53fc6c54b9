//! Application logs reach the aggregator.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/logs",
    title: "Application logs reach the aggregator",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "Logs on a node are gone with the node.",
    fix: "Look at the log agent of the node.",
    reads: &[],
    judge: pending::judge,
};
