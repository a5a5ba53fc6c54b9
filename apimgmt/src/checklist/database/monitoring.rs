//! The database is monitored and alerts.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        exporter::{self, Exporter},
    },
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
    exporter::judge(snapshot, |prometheus, expected| Exporter {
        job: &expected.database.exporter_job,
        series: "pg_up",
        server: "PostgreSQL",
        reaches: prometheus.exporters.pg_up,
        alerts: &expected.database.alerts,
    })
}
