//! The newest result of the load probe, and the requests that Prometheus counted: either may prove a row.

use crate::{
    checklist::{clauses::Clauses, probe},
    snapshot::{
        Snapshot,
        sessions::{ProbeResult, Prometheus, Traffic},
    },
};

/// The load probe's newest result that still counts, as evidence; its values are named in the item that asks.
pub(super) fn newest<'a>(row: &mut Clauses<'_>, snapshot: &'a Snapshot, item: &str) -> Option<&'a ProbeResult> {
    let newest = probe::within_age(row, snapshot, item)?.into_iter().next()?;
    probe::taken(row, newest);
    Some(newest)
}

/// A value of a result as a number.
pub(super) fn number(result: &ProbeResult, name: &str) -> Option<f64> {
    let number = result.values.get(name)?.parse::<f64>().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// What Prometheus counted. Where a load probe proves the row, a Prometheus that can't tell is no gap.
pub(super) fn counted<'a>(
    row: &mut Clauses<'_>,
    snapshot: &'a Snapshot,
    proven: bool,
) -> Option<(&'a Prometheus, &'a Traffic)> {
    let prometheus = match (snapshot.prometheus(), proven) {
        (Ok(prometheus), _) => prometheus,
        (Err(_), true) => {
            row.note("Prometheus could not be read; the load probe alone tells");
            return None;
        }
        (unreadable, false) => row.read(unreadable)?,
    };
    let traffic = prometheus
        .as_ref()
        .and_then(|prometheus| Some((prometheus, prometheus.traffic.as_ref()?)));
    let why = match traffic {
        Some((_, Traffic { error: None, .. })) => return traffic,
        Some((prometheus, Traffic { error: Some(why), .. })) => {
            format!("{} could not count requests: {why}", prometheus.object)
        }
        None if prometheus.is_none() => "there is no Prometheus that counts requests".into(),
        None => "Prometheus was not asked for requests".into(),
    };
    if !proven {
        row.unseen(format!("{why}; `--load` measures instead"));
    }
    None
}
