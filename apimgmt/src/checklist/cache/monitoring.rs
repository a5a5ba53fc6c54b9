//! The cache is monitored and alerts.

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, exporter::Exporter},
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
    let mut row = Clauses::on(snapshot);
    let prometheus = snapshot.prometheus()?;
    let expected = snapshot.expectations()?;
    let Some(prometheus) = prometheus else {
        let service = &expected.monitoring.prometheus.service;
        row.breach(format!("there is no Prometheus: service/{service} does not exist"));
        return Ok(row.verdict(""));
    };
    let exporter = Exporter {
        job: &expected.cache.exporter_job,
        series: "redis_up",
        server: "Redis",
        reaches: prometheus.exporters.redis_up,
        alerts: &expected.cache.alerts,
    };
    exporter.judge(&mut row, snapshot, prometheus, &expected.monitoring);
    Ok(row.verdict("the exporter is scraped and reaches Redis, its alerts are loaded and evaluated"))
}
