//! A request that carries a trace's id is found in the backend of traces by that id.
//!
//! The probe's values: `sent` and `found` are `ok` or say what went wrong; `backend` is where it was looked for, `trace`
//! the id, `seconds` how long it took until it was there, `leftBehind` what the probe left (a trace is none: it is what
//! it asked for).

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, probe},
    snapshot::{Snapshot, Source, Unreadable},
};

/// Backends whose API is spoken here.
const KINDS: &[&str] = &["zipkin", "jaeger", "tempo"];

/// The item.
pub const ITEM: Item = Item {
    id: "monitoring/apm",
    title: "Traces reach the backend",
    stage: Stage::Post,
    phase: Phase::Monitoring,
    severity: Severity::Advisory,
    why: "Without traces a slow call has no place.",
    fix: "Set `application.config.TRACING_ENDPOINT`, open its way in `networkPolicy.extraEgress.app`, and name the backend in `checklist.apm`.",
    reads: &[Source::Probes, Source::Expectations],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let apm = &snapshot.expectations()?.apm;
    if apm.kind.is_empty() {
        return Ok(Verdict::skipped("`checklist.apm.kind` declares no backend of traces"));
    }
    if apm.url.is_empty() {
        row.unseen("`checklist.apm` declares no address: `url`");
        return Ok(row.verdict(""));
    }
    if !KINDS.contains(&apm.kind.as_str()) {
        row.unseen(format!(
            "`checklist.apm.kind` is `{}`; known are {}",
            apm.kind,
            KINDS.join(", ")
        ));
        return Ok(row.verdict(""));
    }
    probe::steps_at(
        &mut row,
        snapshot,
        ITEM.id,
        &["sent", "found"],
        ("backend", &apm.place()),
    );
    Ok(row.verdict(format!("a traced request was found in {}", apm.kind)))
}
