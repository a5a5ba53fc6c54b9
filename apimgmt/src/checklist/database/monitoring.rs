//! The database is monitored and alerts.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "database/monitoring",
    title: "The database is monitored and alerts",
    stage: Stage::Pre,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "A full disk or a stuck replica is silent until it stops everything.",
    fix: "Enable `postgresql.exporter.enabled` and load its alert rules.",
    reads: &[],
    judge: pending::judge,
};
