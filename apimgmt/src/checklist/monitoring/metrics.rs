//! Prometheus scrapes every declared target, freshly, and has the key series.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{Prometheus, Target},
    },
    values::ExpectedMonitoring,
};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/metrics",
    title: "Prometheus scrapes every target",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Blocking,
    why: "What is not measured is noticed by users first.",
    fix: "Run `kubectl port-forward service/prometheus-service 9090:9090` and look at Status, Targets.",
    reads: &[Source::Prometheus, Source::Expectations],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let prometheus = snapshot.prometheus()?;
    let expected = &snapshot.expectations()?.monitoring;
    let Some(prometheus) = prometheus else {
        row.breach(format!(
            "there is no Prometheus: service/{} does not exist",
            expected.prometheus.service
        ));
        return Ok(row.verdict(""));
    };
    if expected.targets.is_empty() {
        row.unseen("`checklist.monitoring.targets` declares no target");
    }
    for target in &expected.targets {
        let found: Vec<&Target> = prometheus
            .targets
            .iter()
            .filter(|found| found.job == target.job)
            .collect();
        if found.is_empty() {
            row.breach(format!("Prometheus has no target of job `{}`", target.job));
        }
        scraped(&mut row, snapshot, prometheus, &target.job, &found, expected);
    }
    for name in &expected.series {
        match prometheus.series.get(name) {
            Some(0) => row.breach(format!("Prometheus has no series `{name}`")),
            Some(count) => row.moving(Source::Prometheus, &prometheus.object, name, counted_series(*count)),
            None => row.unseen(format!("Prometheus was not asked for the series `{name}`")),
        }
    }
    Ok(row.verdict(format!(
        "{} up and fresh, {} present",
        counted(expected.targets.len(), "job"),
        counted_series(expected.series.len() as u64)
    )))
}

fn counted_series(count: u64) -> String {
    format!("{count} series")
}

fn scraped(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    prometheus: &Prometheus,
    job: &str,
    targets: &[&Target],
    expected: &ExpectedMonitoring,
) {
    let mut fresh = 0;
    for target in targets {
        let what = format!("target {} of job `{job}`", target.instance);
        match target.health.as_str() {
            "up" => {}
            "down" => {
                row.breach(format!("{what} is down: {}", target.last_error));
                continue;
            }
            other => {
                row.unseen(format!("{what} is `{other}`"));
                continue;
            }
        }
        let Some(last) = target.last_scrape else {
            row.unseen(format!("{what} does not say when it was scraped"));
            continue;
        };
        let age = snapshot.taken_at.duration_since(last);
        if age.is_positive() && age.unsigned_abs() > expected.maximum_age.0 {
            row.breach(format!(
                "{what} was scraped {} s ago, more than {}",
                age.as_secs(),
                expected.maximum_age
            ));
        } else {
            fresh += 1;
        }
    }
    row.moving(
        Source::Prometheus,
        &prometheus.object,
        &format!("targets of job {job}"),
        format!("{fresh} of {} up and fresh", targets.len()),
    );
}
