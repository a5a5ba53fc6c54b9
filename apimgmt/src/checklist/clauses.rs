//! The clauses of one row: what each came to, and the verdict that follows from all of them.

use std::{collections::HashSet, fmt::Display};

use super::{Evidence, Proof, Verdict};
use crate::snapshot::{Snapshot, Source, Unreadable, hostile::capped};

/// How many breaches or gaps one line names before it only counts the rest.
const NAMED: usize = 3;

/// Gathers what the clauses of a row came to. A pass takes evidence and no clause left unseen; a breach that is
/// certain wins over a clause that could not be seen.
pub(super) struct Clauses<'a> {
    snapshot: &'a Snapshot,
    evidence: Vec<Evidence>,
    breaches: Vec<String>,
    lesser: Vec<String>,
    unseen: Vec<String>,
    notes: Vec<String>,
    missing: Option<Unreadable>,
}

impl<'a> Clauses<'a> {
    /// No clause yet.
    pub(super) fn on(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            evidence: Vec::new(),
            breaches: Vec::new(),
            lesser: Vec::new(),
            unseen: Vec::new(),
            notes: Vec::new(),
            missing: None,
        }
    }

    /// Evidence that stays the same while nothing changes.
    pub(super) fn stable(&mut self, source: Source, object: impl Into<String>, field: &str, value: impl Display) {
        self.evidence
            .push(Evidence::stable(self.snapshot, source, object, field, value));
    }

    /// Evidence that moves by itself.
    pub(super) fn moving(&mut self, source: Source, object: impl Into<String>, field: &str, value: impl Display) {
        self.evidence
            .push(Evidence::moving(self.snapshot, source, object, field, value));
    }

    /// A clause is broken for certain.
    pub(super) fn breach(&mut self, detail: impl Into<String>) {
        self.breaches.push(detail.into());
    }

    /// A clause is broken in a lesser way: the row becomes a warning.
    pub(super) fn lesser(&mut self, detail: impl Into<String>) {
        self.lesser.push(detail.into());
    }

    /// A clause could not be seen.
    pub(super) fn unseen(&mut self, detail: impl Into<String>) {
        self.unseen.push(detail.into());
    }

    /// Something that a reader should know and that decides nothing.
    pub(super) fn note(&mut self, detail: impl Into<String>) {
        self.notes.push(detail.into());
    }

    /// What was read; when it could not be, the clauses that need it are unseen.
    pub(super) fn read<T>(&mut self, reading: Result<T, Unreadable>) -> Option<T> {
        match reading {
            Ok(value) => Some(value),
            Err(unreadable) => {
                self.unseen.push(unreadable.to_string());
                self.missing.get_or_insert(unreadable);
                None
            }
        }
    }

    /// Whether some clause is broken already.
    pub(super) fn is_broken(&self) -> bool {
        !self.breaches.is_empty()
    }

    /// The verdict; `held` is the line of a pass.
    pub(super) fn verdict(self, held: impl Into<String>) -> Verdict {
        let Self {
            evidence,
            breaches,
            lesser,
            unseen,
            notes,
            missing,
            ..
        } = self;
        if !breaches.is_empty() {
            return Verdict::fail(listed(breaches.into_iter().chain(lesser)), evidence);
        }
        if !unseen.is_empty() {
            return Verdict::Unknown {
                detail: listed(unseen.into_iter().chain(lesser)),
                evidence,
                missing,
            };
        }
        if !lesser.is_empty() {
            return Verdict::warn(listed(lesser), evidence);
        }
        match Proof::all(evidence) {
            Some(proof) => Verdict::pass(listed(std::iter::once(held.into()).chain(notes)), proof),
            None => Verdict::unknown("nothing was seen that could prove it"),
        }
    }
}

/// The distinct parts in one line, the first few by name.
fn listed(parts: impl IntoIterator<Item = String>) -> String {
    let mut distinct = HashSet::new();
    let mut named = Vec::new();
    for part in parts {
        let part = capped(&part, 300);
        if named.len() < NAMED && !distinct.contains(&part) {
            named.push(part.clone());
        }
        distinct.insert(part);
    }
    let more = distinct.len() - named.len();
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.join("; ")
}

/// `1 pod`, `2 pods`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Why;

    fn clauses(fill: impl FnOnce(&mut Clauses<'_>)) -> Verdict {
        let snapshot = Snapshot::default();
        let mut clauses = Clauses::on(&snapshot);
        fill(&mut clauses);
        clauses.verdict("it holds")
    }

    #[test]
    fn nothing_seen_never_passes() {
        assert!(matches!(clauses(|_| {}), Verdict::Unknown { .. }));
    }

    #[test]
    fn a_certain_breach_wins_over_a_gap_and_a_gap_over_a_lesser_breach() {
        let verdict = clauses(|row| {
            row.unseen("dark");
            row.lesser("poor");
            row.breach("broken");
        });
        assert!(matches!(verdict, Verdict::Fail { severity: None, .. }));
        let verdict = clauses(|row| {
            row.stable(Source::Nodes, "node/a", "status", "fine");
            row.lesser("poor");
            row.unseen("dark");
        });
        assert!(matches!(verdict, Verdict::Unknown { .. }));
    }

    #[test]
    fn an_unreadable_source_keeps_its_verb_and_resource() {
        let verdict = clauses(|row| {
            let unreadable = Unreadable::new(Source::Nodes, "shop", Why::Forbidden);
            assert_eq!(row.read(Err::<(), _>(unreadable)), None);
        });
        let Verdict::Unknown {
            missing: Some(missing), ..
        } = verdict
        else {
            panic!("{verdict:?}");
        };
        assert_eq!((missing.verb.as_str(), missing.resource.as_str()), ("list", "nodes"));
    }

    #[test]
    fn a_long_list_is_counted_and_hostile_text_is_escaped() {
        let verdict = clauses(|row| {
            for name in ["a\u{1b}[31m", "b", "b", "c", "d", "e"] {
                row.breach(name);
            }
        });
        let Verdict::Fail { detail, .. } = verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!(detail, "a\\u{1b}[31m; b; c; and 2 more");
    }
}
