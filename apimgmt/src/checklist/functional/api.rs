//! The core calls of the API succeed: as declared, in their order, through the public host.
//!
//! The probe result has the values `calls` (see [`visitor`]) and `held`, as in `5 of 5`.

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, visitor},
    snapshot::{Snapshot, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/api",
    title: "The core calls of the API succeed",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "It is what users came for.",
    fix: "Repeat the call that is named and look at the application's log.",
    reads: visitor::READS,
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(declared) = visitor::declared(&mut row, snapshot, |expected| &expected.api) else {
        return Ok(row.verdict(""));
    };
    if declared.calls.is_empty() {
        row.unseen("`checklist.api.calls` declares no call");
        return Ok(row.verdict(""));
    }
    visitor::tried(&mut row, snapshot, ITEM.id, declared, &["calls"]);
    Ok(row.verdict(format!("{} calls of the API answer as declared", declared.calls.len())))
}
