//! Stored results of active probes: those that are fresh enough to count.

use jiff::Timestamp;

use super::clauses::Clauses;
use crate::snapshot::{Snapshot, Source, sessions::ProbeResult};

/// The probe results of an item that are younger than `checklist.probeMaxAge`, newest first. When there are none the
/// clause is unseen, and a failed one that is fresh is a breach.
///
/// Results are written by `--active` as [`ProbeResult`]: `item` is the item's id and `values` holds what was measured
/// under the names that the item documents. One item may have several results, told apart by a value such as
/// `storageClass`.
pub(super) fn fresh<'a>(row: &mut Clauses<'_>, snapshot: &'a Snapshot, item: &str) -> Vec<&'a ProbeResult> {
    let Some(fresh) = within_age(row, snapshot, item) else {
        return Vec::new();
    };
    if fresh.is_empty() {
        let age = snapshot
            .expectations()
            .map(|expected| expected.probe_max_age)
            .unwrap_or_default();
        row.unseen(format!("needs `--active`: no probe result younger than {age}"));
    }
    fresh
}

/// The same for rows that another source may prove: having none is no gap yet. `None` when it could not be read.
pub(super) fn within_age<'a>(
    row: &mut Clauses<'_>,
    snapshot: &'a Snapshot,
    item: &str,
) -> Option<Vec<&'a ProbeResult>> {
    let results = row.read(snapshot.probes());
    let expected = row.read(snapshot.expectations());
    let (results, expected) = (results?, expected?);
    let mut fresh: Vec<_> = results
        .iter()
        .filter(|result| result.item == item)
        .filter_map(|result| Some((result.at?, result)))
        .filter(|(at, _)| {
            let age = snapshot.taken_at.duration_since(*at);
            // A result from the future has a wrong clock behind it: its age is not known.
            age.as_secs() >= -60 && age.unsigned_abs() <= expected.probe_max_age.0
        })
        .collect();
    fresh.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    Some(fresh.into_iter().map(|(_, result)| result).collect())
}

/// Takes the newest result as evidence that every one of `steps` is `ok` and that nothing was left behind.
pub(super) fn steps(row: &mut Clauses<'_>, snapshot: &Snapshot, item: &str, steps: &[&str]) {
    if let Some(result) = fresh(row, snapshot, item).into_iter().next() {
        went(row, result, steps);
    }
}

/// The same, where the result's value `place.0` names what was looked into: of another place than `place.1`, which is
/// declared now, it tells nothing.
pub(super) fn steps_at(row: &mut Clauses<'_>, snapshot: &Snapshot, item: &str, steps: &[&str], place: (&str, &str)) {
    let results = fresh(row, snapshot, item);
    let Some(newest) = results.first() else {
        return;
    };
    let (name, declared) = place;
    let there = |result: &&&ProbeResult| result.values.get(name).is_some_and(|looked| looked == declared);
    match results.iter().find(there) {
        Some(result) => went(row, result, steps),
        None => row.unseen(format!(
            "needs `--active`: the newest probe looked into {}, declared is {declared}",
            newest.values.get(name).map_or("no place", String::as_str)
        )),
    }
}

fn went(row: &mut Clauses<'_>, result: &ProbeResult, steps: &[&str]) {
    taken(row, result);
    for step in steps {
        match result.values.get(*step).map(String::as_str) {
            Some("ok") => {}
            Some(other) => {
                let said = format!("{step}: {other}");
                // The first step that went wrong is what the whole probe said.
                if result.passed || result.detail != said {
                    row.breach(said);
                }
            }
            None if result.passed => row.unseen(format!("the probe does not say whether `{step}` worked")),
            None => {}
        }
    }
    match result.values.get("leftBehind").map(String::as_str) {
        Some("0") => {}
        Some(left) => row.breach(format!("the probe left {left} behind")),
        None if result.passed => row.unseen("the probe does not say whether it left anything behind"),
        None => {}
    }
}

/// Adds a result as evidence; one that did not pass is a breach.
pub(super) fn taken(row: &mut Clauses<'_>, result: &ProbeResult) {
    let values = result
        .values
        .iter()
        .map(|(name, value)| format!("{name} {value}"))
        .collect::<Vec<_>>()
        .join(", ");
    // To the second: what is finer tells nobody anything.
    let at = result.at.map(|at| Timestamp::from_second(at.as_second()).unwrap_or(at));
    let at = at.map(|at| at.to_string()).unwrap_or_default();
    row.moving(
        Source::Probes,
        format!("probe/{}", result.item),
        &format!("result of {at}"),
        values,
    );
    if !result.passed {
        row.breach(format!("the probe of {at} failed: {}", result.detail));
    }
}
