//! The gateway routes, and its limits act: declared paths reach their backend, unknown ones answer 404.
//!
//! The probe result has the values `routes`, `unknown`, `headers`, `rateLimit`, `sizeLimit`: see [`visitor`].

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, visitor},
    snapshot::{Snapshot, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/gateway",
    title: "Routing, limits and headers act",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "A gateway that routes wrongly serves the wrong tenant.",
    fix: "Compare the route that is named with `config.backendRoutes`.",
    reads: visitor::READS,
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(declared) = visitor::declared(&mut row, snapshot, |expected| &expected.gateway) else {
        return Ok(row.verdict(""));
    };
    if declared.routes.is_empty() {
        row.unseen("`checklist.gateway.routes` declares no route");
        return Ok(row.verdict(""));
    }
    visitor::tried(
        &mut row,
        snapshot,
        ITEM.id,
        declared,
        &["routes", "unknown", "headers", "rateLimit", "sizeLimit"],
    );
    Ok(row.verdict(format!(
        "{} routes reach their backend, and the limits act",
        declared.routes.len()
    )))
}
