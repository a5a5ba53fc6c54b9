//! The cache is monitored and alerts.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        exporter::{self, Exporter},
    },
    snapshot::{Snapshot, Source, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/monitoring",
    title: "The cache is monitored and alerts",
    stage: Stage::Pre,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "Evictions and refused writes are silent until users feel them.",
    fix: "Enable `monitoring.redisExporter` and load its alert rules.",
    reads: &[Source::Prometheus, Source::Expectations],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    exporter::judge(snapshot, |prometheus, expected| Exporter {
        job: &expected.cache.exporter_job,
        series: "redis_up",
        server: "Redis",
        reaches: prometheus.exporters.redis_up,
        alerts: &expected.cache.alerts,
    })
}
