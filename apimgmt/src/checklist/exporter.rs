//! Whether a server is watched: its exporter is scraped and reaches it, and its alerts are loaded and evaluated.

use super::{
    Verdict,
    clauses::{Clauses, counted},
};
use crate::{
    snapshot::{Snapshot, Source, Unreadable, sessions::Prometheus},
    values::{Expectations, ExpectedMonitoring},
};

/// An exporter and what must come of it.
pub(super) struct Exporter<'a> {
    /// Job of its target.
    pub(super) job: &'a str,
    /// Series that is 1 when it reaches its server.
    pub(super) series: &'static str,
    /// The server, for people.
    pub(super) server: &'static str,
    /// Value of the series.
    pub(super) reaches: Option<f64>,
    /// Alerts that must be loaded.
    pub(super) alerts: &'a [String],
}

/// The row of a server that an exporter watches.
pub(super) fn judge(
    snapshot: &Snapshot,
    of: for<'a> fn(&'a Prometheus, &'a Expectations) -> Exporter<'a>,
) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let prometheus = snapshot.prometheus()?;
    let expected = snapshot.expectations()?;
    let Some(prometheus) = prometheus else {
        absent(&mut row, &expected.monitoring);
        return Ok(row.verdict(""));
    };
    let exporter = of(prometheus, expected);
    exporter.target(&mut row, snapshot, prometheus, &expected.monitoring);
    exporter.alerts(&mut row, snapshot, prometheus, &expected.monitoring);
    Ok(row.verdict(format!(
        "the exporter is scraped and reaches {}, its alerts are loaded and evaluated",
        exporter.server
    )))
}

/// Without Prometheus nothing is watched.
pub(super) fn absent(row: &mut Clauses<'_>, expected: &ExpectedMonitoring) {
    row.breach(format!(
        "there is no Prometheus: service/{} does not exist",
        expected.prometheus.service
    ));
}

impl Exporter<'_> {
    fn target(
        &self,
        row: &mut Clauses<'_>,
        snapshot: &Snapshot,
        prometheus: &Prometheus,
        expected: &ExpectedMonitoring,
    ) {
        let job = self.job;
        let mut targets = prometheus.targets.iter().filter(|target| target.job == job).peekable();
        if targets.peek().is_none() {
            row.breach(format!("Prometheus has no target of job `{job}`"));
            return;
        }
        for target in targets {
            let what = format!("target {} of job `{job}`", target.instance);
            match target.health.as_str() {
                "up" => {}
                "down" => row.breach(format!("{what} is down: {}", target.last_error)),
                other => row.unseen(format!("{what} is `{other}`")),
            }
            let Some(last) = target.last_scrape else {
                row.unseen(format!("{what} does not say when it was scraped"));
                continue;
            };
            let age = snapshot.taken_at.duration_since(last);
            row.moving(
                Source::Prometheus,
                &prometheus.object,
                &format!("target {}", target.instance),
                format!("{}, scraped {} s ago", target.health, age.as_secs()),
            );
            if age.is_positive() && age.unsigned_abs() > expected.maximum_age.0 {
                row.breach(format!(
                    "{what} was scraped {} s ago, more than {}",
                    age.as_secs(),
                    expected.maximum_age
                ));
            }
        }
        // The exporter may well answer while its server does not answer it.
        let Self { series, server, .. } = self;
        match self.reaches {
            Some(value) => {
                row.moving(Source::Prometheus, &prometheus.object, series, value);
                if value < 1.0 {
                    row.breach(format!(
                        "the exporter of job `{job}` does not reach {server}: {series} is {value}"
                    ));
                }
            }
            None => row.breach(format!("Prometheus has no fresh sample of `{series}` of job `{job}`")),
        }
    }

    fn alerts(
        &self,
        row: &mut Clauses<'_>,
        snapshot: &Snapshot,
        prometheus: &Prometheus,
        expected: &ExpectedMonitoring,
    ) {
        let Some(rules) = &prometheus.rules else {
            row.unseen("Prometheus did not tell which rules it has loaded");
            return;
        };
        if self.alerts.is_empty() {
            row.unseen(format!("no alert of {} is declared", self.server));
        }
        let mut evaluated = 0;
        for name in self.alerts {
            let Some(rule) = rules.iter().find(|rule| rule.name == *name && rule.kind == "alerting") else {
                row.breach(format!("the alert `{name}` is not loaded"));
                continue;
            };
            match rule.health.as_str() {
                "ok" => {}
                "err" => {
                    row.breach(format!("the alert `{name}` cannot be evaluated: {}", rule.last_error));
                    continue;
                }
                other => {
                    row.unseen(format!("the alert `{name}` is `{other}`: not evaluated yet"));
                    continue;
                }
            }
            let age = rule.last_evaluation.map(|last| snapshot.taken_at.duration_since(last));
            match age {
                Some(age) if age.is_positive() && age.unsigned_abs() > expected.maximum_age.0 => row.breach(format!(
                    "the alert `{name}` was evaluated {} s ago, more than {}",
                    age.as_secs(),
                    expected.maximum_age
                )),
                Some(_) => evaluated += 1,
                None => row.unseen(format!("the alert `{name}` does not say when it was evaluated")),
            }
        }
        row.stable(
            Source::Prometheus,
            &prometheus.object,
            &format!("alerts of {}", self.server),
            format!(
                "{evaluated} of {} loaded and evaluated",
                counted(self.alerts.len(), "alert")
            ),
        );
    }
}
