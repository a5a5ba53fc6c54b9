//! Every protected route refuses whoever has no good token.
//!
//! The probe result has the values `noToken`, `badToken`, `wrongAudience` (see [`visitor`]) and `routes`, their number.

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, visitor},
    snapshot::{Snapshot, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/access-control",
    title: "Protected routes refuse every bad token",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "One open route opens the platform.",
    fix: "Require the token on the route that is named.",
    reads: visitor::READS,
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(declared) = visitor::declared(&mut row, snapshot, |expected| &expected.access_control) else {
        return Ok(row.verdict(""));
    };
    if declared.routes.is_empty() {
        row.unseen("`checklist.accessControl.routes` declares no route");
        return Ok(row.verdict(""));
    }
    visitor::tried(
        &mut row,
        snapshot,
        ITEM.id,
        declared,
        &["noToken", "badToken", "wrongAudience"],
    );
    Ok(row.verdict(format!(
        "{} protected routes refuse every bad token",
        declared.routes.len()
    )))
}
