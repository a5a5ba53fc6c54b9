//! What the probe from outside saw, clause by clause: it counts only for what is declared now.
//!
//! Each value of its result is `ok`, `untried: WHY`, or what went wrong; `declared` is the fingerprint of the declarations
//! that it went by.

use jiff::Timestamp;
use serde::Serialize;

use super::{
    clauses::Clauses,
    probe,
    workload::{roles, serves},
};
use crate::{
    snapshot::{Snapshot, Source, sessions::ProbeResult},
    values::{Expectations, fingerprint},
};

/// What every item reads that this probe proves.
pub(super) const READS: &[Source] = &[
    Source::Probes,
    Source::Pods,
    Source::Deployments,
    Source::StatefulSets,
    Source::Services,
    Source::Expectations,
];

/// What comes before a clause that could not be tried.
const UNTRIED: &str = "untried: ";

/// What is declared of a part. Where the application has no ready pod now, an older result proves nothing of it.
pub(super) fn declared<'a, T>(
    row: &mut Clauses<'_>,
    snapshot: &'a Snapshot,
    part: fn(&Expectations) -> &T,
) -> Option<&'a T> {
    match roles(row, snapshot).application {
        Some(role) => serves(row, snapshot, &role),
        None => row.unseen("no workload plays the application, and `checklist.roles.application` declares none"),
    }
    row.read(snapshot.expectations()).map(part)
}

/// Goes through the clauses of an item's newest result, and gives that result.
pub(super) fn tried<'a>(
    row: &mut Clauses<'_>,
    snapshot: &'a Snapshot,
    item: &str,
    declared: &impl Serialize,
    clauses: &[&str],
) -> Option<&'a ProbeResult> {
    let result = newest(row, snapshot, item, declared)?;
    self::clauses(row, result, clauses);
    Some(result)
}

/// The newest result of an item that was made by today's declarations; none is a gap.
fn newest<'a>(
    row: &mut Clauses<'_>,
    snapshot: &'a Snapshot,
    item: &str,
    declared: &impl Serialize,
) -> Option<&'a ProbeResult> {
    let result = probe::fresh(row, snapshot, item).into_iter().next()?;
    let now = fingerprint(declared);
    match result.values.get("declared") {
        Some(then) if *then == now => {}
        // Where nothing was reached, nothing of what is declared mattered.
        None if !result.passed => {}
        then => {
            let then = then.map_or("unknown", String::as_str);
            row.unseen(format!(
                "the last probe went by other declarations ({then}, now {now}): `--active` probes again"
            ));
            return None;
        }
    }
    let at = result.at.and_then(|at| Timestamp::from_second(at.as_second()).ok());
    let at = at.map(|at| at.to_string()).unwrap_or_default();
    row.moving(
        Source::Probes,
        format!("probe/{item}"),
        "at",
        format!("{at}, declarations {now}"),
    );
    Some(result)
}

/// Goes through the clauses of a result.
pub(super) fn clauses(row: &mut Clauses<'_>, result: &ProbeResult, clauses: &[&str]) {
    for clause in clauses {
        if let Some(text) = result.values.get(*clause) {
            row.moving(Source::Probes, format!("probe/{}", result.item), clause, text);
        }
        match result.values.get(*clause).map(String::as_str) {
            Some("ok") => {}
            Some(text) => match text.strip_prefix(UNTRIED) {
                Some(why) => row.unseen(format!("{clause}: {why}")),
                None => row.breach(format!("{clause}: {text}")),
            },
            None if result.passed => row.unseen(format!("the probe does not say how `{clause}` came out")),
            None => {}
        }
    }
    if !result.passed && !row.is_broken() {
        row.breach(result.detail.as_str());
    }
}
