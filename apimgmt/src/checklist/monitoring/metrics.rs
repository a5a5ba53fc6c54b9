//! Prometheus scrapes every target.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/metrics",
    title: "Prometheus scrapes every target",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Blocking,
    why: "What is not measured is noticed by users first.",
    fix: "Run `kubectl port-forward service/prometheus-service 9090:9090` and look at Status, Targets.",
    reads: &[],
    judge: pending::judge,
};
