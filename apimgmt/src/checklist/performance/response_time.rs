//! The 95th percentile of latency is under target: of real requests where there were enough, or of a load probe.
//!
//! The result of the load probe has the values `p95` (a length of time, from the intended start of each request) and
//! `requests` (a number).

use super::load;
use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses},
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{Bucket, Traffic},
    },
    values::{ExpectedPerformance, Span},
};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/response-time",
    title: "The 95th percentile of latency is under target",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Blocking,
    why: "Slow is the new down.",
    fix: "Look at the slowest route in Grafana and at `kubectl apimgmt troubleshoot`.",
    reads: &[Source::Probes, Source::Prometheus, Source::Expectations],
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let result = load::newest(&mut row, snapshot, ITEM.id);
    let Some(expected) = row.read(snapshot.expectations()).map(|expected| &expected.performance) else {
        return Ok(row.verdict(""));
    };
    let target = expected.p95;
    let mut held = Vec::new();
    let measured = result.map(|result| {
        (
            result.values.get("p95").and_then(|p95| p95.parse::<Span>().ok()),
            load::number(result, "requests"),
        )
    });
    match measured {
        Some((Some(p95), Some(requests))) if enough(requests, expected) => {
            if p95 > target {
                row.breach(format!(
                    "95 of 100 answers took up to {p95} under load, more than {target}"
                ));
            } else {
                held.push(format!("{p95} under load"));
            }
        }
        Some((Some(_), Some(requests))) => row.unseen(format!("the load probe made only {requests:.0} requests")),
        Some(_) => row.unseen("the load probe does not say how long answers took"),
        None => {}
    }
    let is_proven = !held.is_empty();
    if let Some((prometheus, traffic)) = load::counted(&mut row, snapshot, is_proven) {
        let object = prometheus.object.clone();
        counted(&mut row, &object, traffic, expected, &mut held, is_proven);
    }
    Ok(row.verdict(format!("95 of 100 answers within {}, target {target}", held.join(", "))))
}

fn enough(requests: f64, expected: &ExpectedPerformance) -> bool {
    #[expect(clippy::cast_precision_loss, reason = "nobody declares 2^53 requests")]
    let minimum = expected.minimum_requests as f64;
    requests >= minimum
}

fn counted(
    row: &mut Clauses<'_>,
    object: &str,
    traffic: &Traffic,
    expected: &ExpectedPerformance,
    held: &mut Vec<String>,
    is_proven: bool,
) {
    let (window, target) = (&traffic.window, expected.p95);
    let total = traffic
        .buckets
        .iter()
        .find(|bucket| bucket.upper.is_none())
        .map(|bucket| bucket.count);
    let Some(total) = total else {
        if !is_proven {
            row.unseen(format!(
                "{object} has no histogram `{}`; `--load` measures instead",
                expected.traffic.duration
            ));
        }
        return;
    };
    row.moving(
        Source::Prometheus,
        object,
        "requests",
        format!("{total:.0} in {window}"),
    );
    if !enough(total, expected) {
        if !is_proven {
            row.unseen(format!(
                "only {total:.0} requests in {window}, fewer than the {} of `checklist.performance.minimumRequests`; `--load` makes them",
                expected.minimum_requests
            ));
        }
        return;
    }
    let shown = |seconds: f64| format!("{:.0} ms", seconds * 1000.0);
    match percentile_95(&traffic.buckets, total) {
        P95::About(seconds) => {
            row.moving(
                Source::Prometheus,
                object,
                "95th percentile",
                format!("{} of {total:.0} requests in {window}", shown(seconds)),
            );
            if seconds > target.0.as_secs_f64() {
                row.breach(format!(
                    "95 of 100 answers took up to {} in {window}, more than {target}",
                    shown(seconds)
                ));
            } else {
                held.push(format!("{} of {total:.0} requests in {window}", shown(seconds)));
            }
        }
        P95::Above(seconds) if seconds >= target.0.as_secs_f64() => {
            row.moving(
                Source::Prometheus,
                object,
                "95th percentile",
                format!("above {}", shown(seconds)),
            );
            row.breach(format!(
                "95 of 100 answers took longer than {} in {window}, target {target}",
                shown(seconds)
            ));
        }
        P95::Above(seconds) => row.unseen(format!(
            "the largest bound of `{}` is {}, below the target {target}",
            expected.traffic.duration,
            shown(seconds)
        )),
        P95::Nonsense => row.unseen(format!(
            "the buckets of `{}` are no histogram",
            expected.traffic.duration
        )),
    }
}

/// What buckets tell of the 95th percentile, in seconds.
#[derive(Debug, PartialEq)]
enum P95 {
    About(f64),
    Above(f64),
    Nonsense,
}

/// As Prometheus reckons `histogram_quantile`: evenly spread inside the bucket that the rank falls into, and no further
/// than the largest finite bound (promql/quantile.go, `BucketQuantile`).
fn percentile_95(buckets: &[Bucket], total: f64) -> P95 {
    let rank = 0.95 * total;
    let (mut lower, mut below) = (0.0, 0.0);
    for bucket in buckets {
        match bucket.upper {
            None => return P95::Above(lower),
            Some(upper) if bucket.count >= rank => {
                let inside = bucket.count - below;
                if inside <= 0.0 || upper < lower {
                    return P95::Nonsense;
                }
                return P95::About(lower + (upper - lower) * (rank - below) / inside);
            }
            // Extrapolation may make a bucket a trifle smaller than the one before it.
            Some(upper) => (lower, below) = (upper, bucket.count.max(below)),
        }
    }
    P95::Nonsense
}

#[cfg(test)]
mod tests {
    use super::*;

    fn buckets(of: &[(f64, f64)], total: f64) -> Vec<Bucket> {
        let finite = of.iter().map(|(upper, count)| Bucket {
            upper: Some(*upper),
            count: *count,
        });
        finite
            .chain([Bucket {
                upper: None,
                count: total,
            }])
            .collect()
    }

    #[test]
    fn the_percentile_is_reckoned_as_prometheus_does() {
        let about = |of: &[(f64, f64)], total| match percentile_95(&buckets(of, total), total) {
            P95::About(seconds) => (seconds * 10_000.0).round() / 10_000.0,
            other => panic!("{other:?}"),
        };
        assert!((about(&[(0.1, 90.0), (0.2, 100.0)], 100.0) - 0.15).abs() < 1e-9);
        assert!((about(&[(0.1, 95.0), (0.2, 100.0)], 100.0) - 0.1).abs() < 1e-9);
        assert!((about(&[(0.1, 100.0)], 100.0) - 0.095).abs() < 1e-9);
    }

    #[test]
    fn above_the_largest_bound_only_that_bound_is_known() {
        assert_eq!(
            percentile_95(&buckets(&[(0.1, 50.0), (0.2, 60.0)], 100.0), 100.0),
            P95::Above(0.2)
        );
        assert_eq!(percentile_95(&[], 100.0), P95::Nonsense);
    }
}
