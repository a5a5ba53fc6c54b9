//! What probes saw on the edges of the platform.
//!
//! A result stands for one place where a probe's pod stood: its value `stand` names it, and every other value is an edge,
//! `application -> postgres.shop.svc:5432`, with what came of it: `open`, `open 200`, `open 10.0.0.1,10.0.0.2`, or
//! `closed WHERE: WHY`, where WHERE is the first hop that fails: `name`, `connect`, `tls` or `http`.

use std::collections::BTreeMap;

use super::{clauses::Clauses, probe};
use crate::{
    edges::{Edge, Edges, Ends, Place, Stand, is_open},
    snapshot::{Snapshot, Source},
};

/// Value of a result that is no edge.
const STAND: &str = "stand";

/// The fresh outcomes of one item's probe, by the edge's id; the newest counts.
pub(super) struct Outcomes<'a> {
    seen: BTreeMap<&'a str, &'a str>,
    /// Nothing is fresh, which the row says already.
    none: bool,
}

impl<'a> Outcomes<'a> {
    /// Gathers them; a stand whose pod came to no result is unseen.
    pub(super) fn of(row: &mut Clauses<'_>, snapshot: &'a Snapshot, item: &str) -> Self {
        let results = probe::fresh(row, snapshot, item);
        let mut seen = BTreeMap::new();
        for result in &results {
            if !result.passed {
                row.unseen(format!("the probe could not try its edges: {}", result.detail));
            }
            for (edge, outcome) in &result.values {
                if edge != STAND {
                    seen.entry(edge.as_str()).or_insert(outcome.as_str());
                }
            }
        }
        Self {
            seen,
            none: results.is_empty(),
        }
    }

    /// The outcome of an edge.
    pub(super) fn get(&self, id: &str) -> Option<&'a str> {
        self.seen.get(id).copied()
    }

    /// An edge was not tried.
    pub(super) fn lacks(&self, row: &mut Clauses<'_>, id: &str) {
        if !self.none {
            row.unseen(format!("needs `--active`: no probe has tried {id}"));
        }
    }

    /// A needed edge is open.
    pub(super) fn needed(&self, row: &mut Clauses<'_>, edge: &Edge) {
        let id = edge.id();
        match self.get(&id) {
            None => self.lacks(row, &id),
            Some(outcome) => {
                row.moving(Source::Probes, format!("edge/{id}"), "outcome", outcome);
                if !is_open(outcome) {
                    row.breach(format!("{id} is {outcome}"));
                }
            }
        }
    }

    /// An edge that must be closed is; what never got as far as to connect proves nothing.
    pub(super) fn closed(&self, row: &mut Clauses<'_>, edge: &Edge) -> Option<bool> {
        let id = edge.id();
        let Some(outcome) = self.get(&id) else {
            self.lacks(row, &id);
            return None;
        };
        row.moving(Source::Probes, format!("edge/{id}"), "outcome", outcome);
        if is_open(outcome) {
            row.breach(format!("{id} is open, and must be closed"));
            return Some(false);
        }
        if !outcome.starts_with("closed connect: ") {
            row.unseen(format!("{id} could not be tried: {outcome}"));
            return None;
        }
        Some(true)
    }
}

/// A probe's pod stands for a part by its network label alone: where the part's own pods do not carry it, other policies
/// may select them than select the probe, and what it saw says nothing of them.
pub(super) fn faithful(row: &mut Clauses<'_>, snapshot: &Snapshot, edges: &Edges, counts: impl Fn(&Edge) -> bool) {
    let Some(ends) = row.read(Ends::of(snapshot)) else {
        return;
    };
    for stand in Stand::ALL {
        let (Some(network), Some(Place::Pod { labels, .. })) = (stand.network(), ends.place(stand)) else {
            continue;
        };
        let is_tried = edges.all.iter().any(|edge| edge.from == stand && counts(edge));
        if is_tried && labels.get("apimgmt.io/network").is_none_or(|label| label != network) {
            row.unseen(format!(
                "no probe can stand for the {}, whose pods do not carry `apimgmt.io/network: {network}`",
                stand.name()
            ));
        }
    }
}
