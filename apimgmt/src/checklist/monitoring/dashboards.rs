//! Grafana shows the release's dashboards.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/dashboards",
    title: "Grafana shows the release's dashboards",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "At two in the morning nobody writes queries.",
    fix: "Enable `grafana.dashboards.enabled` and look at Grafana's data source.",
    reads: &[],
    judge: pending::judge,
};
