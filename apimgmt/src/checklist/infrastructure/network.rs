//! Every needed connection is open, tried from where its part stands; see `checklist/edges.rs` for the values of a result.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
        edges::{Outcomes, faithful},
    },
    edges::{Edge, Edges, Purpose, Stand, Way},
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
    // A database or cache elsewhere takes a declared way to it.
    let is_declared =
        |edge: &&Edge| edge.from == Stand::Application && edge.to.part.is_none() && edge.to.way == Way::Tcp;
    let mut elsewhere = edges.with(Purpose::Needed).filter(is_declared).count();
    for stand in [Stand::Application, Stand::Database, Stand::Cache] {
        if edges.part(stand).is_some() {
            continue;
        }
        if stand == Stand::Application || elsewhere == 0 {
            row.unseen(format!(
                "nothing plays the {} here behind a service, and `checklist.network.needed` names no way to it",
                stand.name()
            ));
        }
        elsewhere = elsewhere.saturating_sub(1);
    }
    let outcomes = Outcomes::of(&mut row, snapshot, ITEM.id);
    faithful(&mut row, snapshot, &edges, Edge::is_needed);
    let needed: Vec<&Edge> = edges.all.iter().filter(|edge| edge.is_needed()).collect();
    for edge in &needed {
        outcomes.needed(&mut row, edge);
    }
    Ok(row.verdict(format!("{} open", counted(needed.len(), "needed connection"))))
}
