//! Grafana is well, a query through its data source answers, and the release's dashboards are there.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{Snapshot, Source, Unreadable, sessions::Grafana},
};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/dashboards",
    title: "Grafana shows the release's dashboards",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "At two in the morning nobody writes queries.",
    fix: "Run `kubectl port-forward service/grafana-service 3000:3000` and look at Connections and Dashboards.",
    reads: &[Source::Grafana, Source::Expectations],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let expected = &snapshot.expectations()?.monitoring;
    let Some(grafana) = snapshot.grafana()? else {
        row.breach(format!(
            "there is no Grafana: service/{} does not exist",
            expected.grafana.service
        ));
        return Ok(row.verdict(""));
    };
    row.stable(Source::Grafana, &grafana.object, "database", &grafana.database);
    if grafana.database != "ok" {
        row.breach(format!("Grafana's own database is `{}`", grafana.database));
    }
    if let Some(why) = &grafana.refused {
        row.unseen(format!(
            "Grafana could not be asked for its sources and dashboards: {why}"
        ));
        return Ok(row.verdict(""));
    }
    sources(&mut row, grafana);
    if expected.dashboards.is_empty() {
        row.unseen("`checklist.monitoring.dashboards` declares no dashboard");
    }
    for uid in &expected.dashboards {
        match grafana.dashboards.iter().find(|dashboard| dashboard.uid == *uid) {
            Some(dashboard) => row.stable(
                Source::Grafana,
                &grafana.object,
                &format!("dashboard {uid}"),
                &dashboard.title,
            ),
            None => row.breach(format!("Grafana has no dashboard `{uid}`")),
        }
    }
    Ok(row.verdict(format!(
        "a query through Grafana answers, and {} there",
        match expected.dashboards.len() {
            1 => "1 dashboard is".into(),
            several => format!("{} are", counted(several, "dashboard")),
        }
    )))
}

/// Every Prometheus source must answer, and there must be one.
fn sources(row: &mut Clauses<'_>, grafana: &Grafana) {
    let mut prometheus = grafana
        .data_sources
        .iter()
        .filter(|source| source.kind == "prometheus")
        .peekable();
    if prometheus.peek().is_none() {
        row.breach("Grafana has no data source of type `prometheus`");
    }
    for source in prometheus {
        let what = format!("data source {}", source.name);
        match (source.answered, &source.error) {
            (Some(0), _) => row.breach(format!("{what} answers, but knows no target: `up` has no series")),
            (Some(series), _) => row.moving(
                Source::Grafana,
                &grafana.object,
                &what,
                format!("`up` has {series} series"),
            ),
            (None, Some(error)) => row.breach(format!("{what} does not answer through Grafana: {error}")),
            (None, None) => row.unseen(format!("{what} was not asked")),
        }
    }
}
