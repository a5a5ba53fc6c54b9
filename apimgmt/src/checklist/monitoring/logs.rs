//! A line that the application writes is found in the aggregator.
//!
//! The probe's values: `written` and `found` are `ok` or say what went wrong; `aggregator` is where it was looked for,
//! `seconds` how long that took, `leftBehind` what the probe left (a line of a log is none: it is what it asked for).

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, probe},
    snapshot::{Snapshot, Source, Unreadable},
};

/// Aggregators whose language is spoken here.
const KINDS: &[&str] = &["loki", "elasticsearch", "opensearch"];

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/logs",
    title: "Application logs reach the aggregator",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "Logs on a node are gone with the node.",
    fix: "Look at the log agent of the node, and name the aggregator in `checklist.logs`.",
    reads: &[Source::Probes, Source::Expectations],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let logs = &snapshot.expectations()?.logs;
    if logs.kind.is_empty() || logs.url.is_empty() {
        row.unseen("`checklist.logs` declares no aggregator: `kind` and `url`");
        return Ok(row.verdict(""));
    }
    if !KINDS.contains(&logs.kind.as_str()) {
        row.unseen(format!(
            "`checklist.logs.kind` is `{}`; known are {}",
            logs.kind,
            KINDS.join(", ")
        ));
        return Ok(row.verdict(""));
    }
    probe::steps_at(
        &mut row,
        snapshot,
        ITEM.id,
        &["written", "found"],
        ("aggregator", &logs.place()),
    );
    Ok(row.verdict(format!("a line of the application was found in {}", logs.kind)))
}
