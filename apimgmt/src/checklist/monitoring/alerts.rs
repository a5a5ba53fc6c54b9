//! Alert rules are loaded and evaluate, Prometheus sends to an Alertmanager, and a test alert arrives at its receiver.
//!
//! The probe's values: `sent`, `routed`, `arrived` and `ended` are `ok` or say what went wrong; `receivers` names where
//! Alertmanager routes to, `seconds` how long the alert took, `seenBy` who says that it arrived, `leftBehind` what is left.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
        exporter, probe,
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{Prometheus, Rule},
    },
    values::Span,
};

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/alerts",
    title: "Alert rules evaluate, and alerts arrive",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Blocking,
    why: "A rule that reaches nobody is not an alert.",
    fix: "Give Alertmanager a receiver: `monitoring.alertmanager.config`.",
    reads: &[Source::Prometheus, Source::Probes, Source::Expectations],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let expected = &snapshot.expectations()?.monitoring;
    let Some(prometheus) = snapshot.prometheus()? else {
        exporter::absent(&mut row, expected);
        return Ok(row.verdict(""));
    };
    let rules = rules(&mut row, snapshot, prometheus, expected.maximum_age);
    match &prometheus.watchers {
        None => row.unseen("Prometheus was not asked for its Alertmanagers"),
        Some(watchers) if watchers.alertmanagers.is_empty() => {
            row.breach("Prometheus has no Alertmanager to send alerts to");
        }
        Some(watchers) => row.stable(
            Source::Prometheus,
            &prometheus.object,
            "Alertmanagers",
            watchers.alertmanagers.join(", "),
        ),
    }
    probe::steps(&mut row, snapshot, ITEM.id, &["sent", "routed", "arrived", "ended"]);
    Ok(row.verdict(format!(
        "{} without error, and a test alert arrived",
        match rules {
            1 => "1 rule evaluates".to_owned(),
            several => format!("{} evaluate", counted(several, "rule")),
        }
    )))
}

/// How many rules are loaded.
fn rules(row: &mut Clauses<'_>, snapshot: &Snapshot, prometheus: &Prometheus, maximum_age: Span) -> usize {
    let Some(rules) = &prometheus.rules else {
        row.unseen("Prometheus was not asked for its rules");
        return 0;
    };
    let alerting = rules.iter().filter(|rule| rule.kind == "alerting").count();
    if alerting == 0 {
        row.breach("Prometheus has no alert rule loaded");
        return 0;
    }
    let mut well = 0;
    for rule in rules {
        if evaluates(row, snapshot, rule, maximum_age) {
            well += 1;
        }
    }
    row.moving(
        Source::Prometheus,
        &prometheus.object,
        "rules",
        format!("{well} of {} evaluate, {alerting} of them alerts", rules.len()),
    );
    rules.len()
}

fn evaluates(row: &mut Clauses<'_>, snapshot: &Snapshot, rule: &Rule, maximum_age: Span) -> bool {
    let what = format!("rule `{}` of group `{}`", rule.name, rule.group);
    match rule.health.as_str() {
        "ok" => {}
        "err" => {
            row.breach(format!("{what} fails: {}", rule.last_error));
            return false;
        }
        other => {
            row.unseen(format!("{what} is `{other}`"));
            return false;
        }
    }
    let Some(at) = rule.last_evaluation else {
        row.unseen(format!("{what} does not say when it was evaluated"));
        return false;
    };
    let age = snapshot.taken_at.duration_since(at);
    if age.is_positive() && age.unsigned_abs() > maximum_age.0 {
        row.breach(format!(
            "{what} was evaluated {} s ago, more than {maximum_age}",
            age.as_secs()
        ));
        return false;
    }
    true
}
