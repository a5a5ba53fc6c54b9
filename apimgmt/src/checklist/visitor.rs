//! What the probe from outside saw, clause by clause: it counts only for what is declared now.
//!
//! Each value of its result is `ok`, `untried: WHY`, or what went wrong; `declared` is the fingerprint of the declarations
//! that it went by.

use serde::Serialize;

use super::{
    clauses::Clauses,
    probe,
    workload::{roles, serves},
};
use crate::{
    snapshot::{Snapshot, sessions::ProbeResult},
    values::fingerprint,
};

/// What comes before a clause that could not be tried.
const UNTRIED: &str = "untried: ";

/// The newest result of an item that was made by today's declarations; none is a gap.
pub(super) fn newest<'a>(
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
    probe::taken(row, result);
    Some(result)
}

/// Goes through the clauses of a result.
pub(super) fn clauses(row: &mut Clauses<'_>, result: &ProbeResult, clauses: &[&str]) {
    for clause in clauses {
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
}

/// Where the application has no ready pod now, an older result proves nothing.
pub(super) fn application_serves(row: &mut Clauses<'_>, snapshot: &Snapshot) {
    match roles(row, snapshot).application {
        Some(role) => serves(row, snapshot, &role),
        None => row.unseen("no workload plays the application, and `checklist.roles.application` declares none"),
    }
}
