//! The expected rate is sustained with few errors: in real traffic, or under the load probe.
//!
//! The result of the load probe has the values `rate` (good answers a second), `requests` and `errors` (numbers), `asked`
//! (the rate that it asked for).

use super::load;
use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses},
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{ProbeResult, Traffic},
    },
    values::{Expectations, ExpectedThroughput},
};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/throughput",
    title: "The expected rate is sustained",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Blocking,
    why: "Launch day is the wrong day to learn the limit.",
    fix: "Raise `autoscaling.maxReplicas` or the resources of the bottleneck.",
    reads: &[Source::Probes, Source::Prometheus, Source::Expectations],
    judge,
};

/// Share of the declared rate that counts as it: what an open-loop schedule loses at its two ends.
const SUSTAINED: f64 = 0.98;

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let result = load::newest(&mut row, snapshot, ITEM.id);
    let Some(expected) = row.read(snapshot.expectations()) else {
        return Ok(row.verdict(""));
    };
    if expected.throughput.requests_per_second <= 0.0 {
        row.unseen("`checklist.throughput.requestsPerSecond` declares no rate");
    }
    let mut held = Vec::new();
    if let Some(result) = result {
        under_load(&mut row, result, &expected.throughput, &mut held);
    }
    let is_proven = !held.is_empty();
    if let Some((prometheus, traffic)) = load::counted(&mut row, snapshot, is_proven) {
        let object = prometheus.object.clone();
        counted(&mut row, &object, traffic, expected, &mut held, is_proven);
    }
    Ok(row.verdict(held.join("; ")))
}

fn under_load(row: &mut Clauses<'_>, result: &ProbeResult, expected: &ExpectedThroughput, held: &mut Vec<String>) {
    let value = |name| load::number(result, name);
    let (Some(rate), Some(requests), Some(errors), Some(asked)) =
        (value("rate"), value("requests"), value("errors"), value("asked"))
    else {
        row.unseen("the load probe does not say how many requests were answered");
        return;
    };
    let wanted = expected.requests_per_second;
    if asked < wanted {
        row.unseen(format!(
            "the load probe asked for {asked:.0} requests/s, and {wanted:.0} are expected now"
        ));
        return;
    }
    let failed = share(errors, requests);
    if failed > expected.error_rate {
        row.breach(format!(
            "{} of the requests failed under load, more than {}",
            percent(failed),
            percent(expected.error_rate)
        ));
    } else if rate < wanted * SUSTAINED {
        row.breach(format!(
            "{rate:.1} requests/s were answered under load, fewer than {wanted:.0}"
        ));
    } else {
        held.push(format!(
            "{rate:.1} requests/s answered under load, {} failed",
            percent(failed)
        ));
    }
}

fn counted(
    row: &mut Clauses<'_>,
    object: &str,
    traffic: &Traffic,
    expected: &Expectations,
    held: &mut Vec<String>,
    is_proven: bool,
) {
    let (window, wanted) = (&traffic.window, expected.throughput.requests_per_second);
    let (Some(requests), Some(errors), Some(peak)) = (traffic.requests, traffic.errors, traffic.peak_rate) else {
        if !is_proven {
            row.unseen(format!(
                "{object} counts no `{}`; `--load` measures instead",
                expected.performance.traffic.requests
            ));
        }
        return;
    };
    let failed = share(errors, requests);
    row.moving(
        Source::Prometheus,
        object,
        "requests",
        format!(
            "{requests:.0} in {window}, {} failed, at most {peak:.1}/s over 5m",
            percent(failed)
        ),
    );
    #[expect(clippy::cast_precision_loss, reason = "nobody declares 2^53 requests")]
    let enough = requests >= expected.performance.minimum_requests as f64;
    if enough && failed > expected.throughput.error_rate {
        row.breach(format!(
            "{} of {requests:.0} requests failed in {window}, more than {}",
            percent(failed),
            percent(expected.throughput.error_rate)
        ));
    } else if enough && peak >= wanted {
        held.push(format!("{peak:.1} requests/s over 5m, {} failed", percent(failed)));
    } else if !is_proven {
        // Nobody asked for more, which does not show that no more would be answered.
        row.unseen(format!(
            "at most {peak:.1} requests/s were asked for in {window}, fewer than {wanted:.0}; `--load` asks for them"
        ));
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn percent(share: f64) -> String {
    format!("{:.1} %", share * 100.0)
}
