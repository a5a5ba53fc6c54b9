//! Records are created, read, changed and deleted, and nothing is left of them.
//!
//! The probe result has the values `create`, `read`, `update`, `delete` (each `ok` or what went wrong), `leftBehind` (a
//! number of rows) and `through` (`api` or `scratch schema`).

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::Clauses,
        probe,
        workload::{roles, serves},
    },
    snapshot::{Snapshot, Source, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/database",
    title: "Records are created, read, changed and deleted",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A pool that connects may still not be allowed to write.",
    fix: "Run `kubectl apimgmt troubleshoot database`.",
    reads: &[
        Source::Probes,
        Source::Pods,
        Source::Deployments,
        Source::StatefulSets,
        Source::Services,
        Source::Expectations,
    ],
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    // Where the database has no ready pod now, an older result proves nothing.
    if let Some(role) = roles(&mut row, snapshot).database {
        serves(&mut row, snapshot, &role);
    }
    probe::steps(&mut row, snapshot, ITEM.id, &["create", "read", "update", "delete"]);
    Ok(row.verdict("records are created, read, changed and deleted, and nothing is left"))
}
