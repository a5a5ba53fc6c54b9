//! Roles and service accounts do what they may, and are refused what they may not.
//!
//! The probe result has the values `allowed`, `refused`, `serviceAccounts`: see [`visitor`].

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, visitor},
    snapshot::{Snapshot, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/authorization",
    title: "Lesser roles are refused what they must not do",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "Authentication without authorization is a guest list without doors.",
    fix: "Correct the scope check of the route that is named.",
    reads: visitor::READS,
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(declared) = visitor::declared(&mut row, snapshot, |expected| &expected.authorization) else {
        return Ok(row.verdict(""));
    };
    if declared.calls.is_empty() {
        row.unseen("`checklist.authorization.calls` declares no call");
        return Ok(row.verdict(""));
    }
    visitor::tried(
        &mut row,
        snapshot,
        ITEM.id,
        declared,
        &["allowed", "refused", "serviceAccounts"],
    );
    Ok(row.verdict("every role does what it may, and is refused what it may not"))
}
