//! Every needed connection is open, tried from where its part stands; see `checklist/edges.rs` for the values of a result.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
        edges::Outcomes,
    },
    edges::{Edge, Edges, Purpose, Stand},
    snapshot::{Snapshot, Source, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/network",
    title: "Every needed connection is open",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "One closed port makes the platform fail in ways that look like something else.",
    fix: "Run `kubectl apimgmt troubleshoot network`.",
    reads: &[
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
        Source::Ingresses,
        Source::Probes,
        Source::Expectations,
    ],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let edges = Edges::of(snapshot)?;
    for (stand, port) in [
        (Stand::Application, 8080),
        (Stand::Database, 5432),
        (Stand::Cache, 6379),
    ] {
        let declared = edges.with(Purpose::Needed).any(|edge| edge.to.port == port);
        if edges.part(stand).is_none() && !declared {
            row.unseen(format!(
                "nothing plays the {} here behind a service, and `checklist.network.needed` names no way to it",
                stand.name()
            ));
        }
    }
    let outcomes = Outcomes::of(&mut row, snapshot, ITEM.id);
    let needed: Vec<&Edge> = edges.all.iter().filter(|edge| edge.is_needed()).collect();
    for edge in &needed {
        outcomes.needed(&mut row, edge);
    }
    Ok(row.verdict(format!("{} open", counted(needed.len(), "needed connection"))))
}
