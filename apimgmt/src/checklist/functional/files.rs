//! A large file goes up and comes back the same, and one too large is refused.
//!
//! The probe result has the values `upload`, `download`, `digest`, `limit` (see [`visitor`]) and `leftBehind`.

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, visitor},
    snapshot::{Snapshot, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/files",
    title: "A large file comes back as it went",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "Limits on the way cut large files silently.",
    fix: "Raise the body limit of the ingress and the application.",
    reads: visitor::READS,
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(declared) = visitor::declared(&mut row, snapshot, |expected| &expected.files) else {
        return Ok(row.verdict(""));
    };
    if declared.path.is_empty() {
        return Ok(Verdict::skipped("`checklist.files.path` declares no file transfer"));
    }
    if let Some(result) = visitor::tried(
        &mut row,
        snapshot,
        ITEM.id,
        declared,
        &["upload", "download", "digest", "limit"],
    ) {
        match result.values.get("leftBehind").map(String::as_str) {
            Some("0") => {}
            Some(left) => row.breach(format!("the probe left {left} behind")),
            None if result.passed => row.unseen("the probe does not say whether it left anything behind"),
            None => {}
        }
    }
    Ok(row.verdict(format!(
        "{} bytes went up and came back the same, more than {} are refused",
        declared.bytes, declared.limit
    )))
}
