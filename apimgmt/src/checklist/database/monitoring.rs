//! The database is monitored and alerts.

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, exporter::Exporter},
    snapshot::{Snapshot, Source, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "database/monitoring",
    title: "The database is monitored and alerts",
    stage: Stage::Pre,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "A full disk or a stuck replica is silent until it stops everything.",
    fix: "Enable `monitoring.postgresExporter` and load its alert rules.",
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
        job: &expected.database.exporter_job,
        series: "pg_up",
        server: "PostgreSQL",
        reaches: prometheus.exporters.pg_up,
        alerts: &expected.database.alerts,
    };
    exporter.judge(&mut row, snapshot, prometheus, &expected.monitoring);
    Ok(row.verdict("the exporter is scraped and reaches PostgreSQL, its alerts are loaded and evaluated"))
}
