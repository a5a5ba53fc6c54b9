//! Something calls the public hosts from outside, and its last calls went well.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{Snapshot, Source, Unreadable, sessions::SyntheticCheck},
};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/synthetic",
    title: "An external check is configured and green",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "Only a check from outside sees what users see.",
    fix: "Set `monitoring.blackboxExporter.enabled`, or name the job of your own check in `checklist.synthetic.job`.",
    reads: &[Source::Prometheus, Source::Expectations],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let expected = snapshot.expectations()?;
    let job = &expected.synthetic.job;
    let Some(prometheus) = snapshot.prometheus()? else {
        row.breach(format!(
            "no external check can be seen: service/{} does not exist",
            expected.monitoring.prometheus.service
        ));
        return Ok(row.verdict(""));
    };
    let Some(watchers) = &prometheus.watchers else {
        row.unseen("Prometheus was not asked for the results of external checks");
        return Ok(row.verdict(""));
    };
    let checks = &watchers.synthetic;
    if checks.is_empty() {
        row.breach(format!(
            "no external check is configured: Prometheus has no `probe_success` of job `{job}`"
        ));
    }
    for check in checks {
        let what = format!("the external check of {}", check.target);
        if !check.success {
            row.breach(format!("{what} failed"));
        }
        let Some(at) = check.at else {
            row.unseen(format!("{what} does not say when it was made"));
            continue;
        };
        let age = snapshot.taken_at.duration_since(at);
        if age.is_positive() && age.unsigned_abs() > expected.synthetic.maximum_age.0 {
            row.breach(format!(
                "{what} was made {} s ago, more than {}",
                age.as_secs(),
                expected.synthetic.maximum_age
            ));
        } else if check.success {
            row.moving(
                Source::Prometheus,
                &prometheus.object,
                &format!("probe_success of {}", check.target),
                1,
            );
        }
    }
    if !checks.is_empty() {
        for host in &expected.hosts {
            if !checks.iter().any(|check| calls(check, &host.host)) {
                row.breach(format!("no external check calls {}", host.host));
            }
        }
    }
    Ok(row.verdict(format!("{} green", counted(checks.len(), "external check"))))
}

/// Whether the check's target is on this host: `https://HOST/…`, `HOST:PORT`, `HOST`.
fn calls(check: &SyntheticCheck, host: &str) -> bool {
    let target = &check.target;
    let rest = target.split_once("://").map_or(target.as_str(), |(_, rest)| rest);
    let named = rest.split(['/', ':', '?', '#']).next().unwrap_or_default();
    named.eq_ignore_ascii_case(host)
}
