//! Keys are written, read and expire, and nothing is left of them.
//!
//! The probe result has the values `write`, `read`, `expire` (each `ok` or what went wrong) and `leftBehind` (a number
//! of keys).

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
    id: "functional/cache",
    title: "Keys are written, read and expire",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A cache that refuses writes slows everything down without an error.",
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
    // Where the cache has no ready pod now, an older result proves nothing.
    if let Some(role) = roles(&mut row, snapshot).cache {
        serves(&mut row, snapshot, &role);
    }
    probe::steps(&mut row, snapshot, ITEM.id, &["write", "read", "expire"]);
    Ok(row.verdict("keys are written, read and expire, and nothing is left"))
}
