//! Denied connections are really denied, and the same targets are reached by those that may; see `checklist/edges.rs` for
//! the values of a result.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
        edges::{Outcomes, faithful},
    },
    edges::{Edge, Edges, Purpose, is_open},
    snapshot::{Snapshot, Source, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/traffic-isolation",
    title: "Denied connections are really denied",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "Policies without an enforcing network are paper.",
    fix: "Install a network plugin that enforces NetworkPolicy.",
    reads: &[
        Source::Deployments,
        Source::StatefulSets,
        Source::Pods,
        Source::Services,
        Source::Ingresses,
        Source::NetworkPolicies,
        Source::Probes,
        Source::Expectations,
    ],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let edges = Edges::of(snapshot)?;
    let policies = row.read(snapshot.network_policies()).map_or(0, Vec::len);
    let outcomes = Outcomes::of(&mut row, snapshot, ITEM.id);
    faithful(&mut row, snapshot, &edges, |edge| edge.purpose == Purpose::Isolation);
    let denied: Vec<&Edge> = edges.with(Purpose::Isolation).collect();
    if denied.is_empty() {
        row.unseen("nothing plays database or cache here, so there is nothing to keep apart");
    }
    let mut open = 0;
    let mut shut = 0;
    for edge in &denied {
        match outcomes.closed(&mut row, edge) {
            Some(true) => {
                shut += 1;
                controlled(&mut row, &edges, &outcomes, edge);
            }
            Some(false) => open += 1,
            None => {}
        }
    }
    for edge in edges.with(Purpose::Needed).filter(|edge| edge.to.part.is_some()) {
        outcomes.needed(&mut row, edge);
    }
    if open > 0 && shut == 0 {
        row.breach(if policies == 0 {
            "there is no NetworkPolicy, and nothing is denied".to_owned()
        } else {
            format!(
                "the cluster's network does not enforce NetworkPolicies: {policies} of them are there, and everything connects"
            )
        });
    }
    Ok(row.verdict(format!(
        "{} denied, and each target is reached by those that may",
        counted(denied.len(), "connection")
    )))
}

/// That a connection fails proves a denial only while somebody who may does reach the same target.
fn controlled(row: &mut Clauses<'_>, edges: &Edges, outcomes: &Outcomes<'_>, denied: &Edge) {
    let mut allowed = edges
        .with(Purpose::Needed)
        .filter(|edge| edge.to.words() == denied.to.words());
    let reached = allowed.any(|edge| outcomes.get(&edge.id()).is_some_and(is_open));
    if !reached {
        row.unseen(format!(
            "{} is closed, but nobody who may was seen to reach {} either",
            denied.id(),
            denied.to.words()
        ));
    }
}
