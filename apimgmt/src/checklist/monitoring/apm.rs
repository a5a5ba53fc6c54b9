//! Traces reach the backend.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/apm",
    title: "Traces reach the backend",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "Without traces a slow call has no place.",
    fix: "Set `config.tracing.endpoint`.",
    reads: &[],
    judge: pending::judge,
};
