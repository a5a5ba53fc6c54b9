//! The six gates: which items each judges, when it passes, and how long what is not good yet may take to become good.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use tokio::time::Instant;

use super::judge::Reader;
use crate::{
    Error,
    checklist::{ALL, Item, Phase, Row, Section},
    operation::Interrupt,
    report::progress::Progress,
    snapshot::{Source, Unreadable, Why},
};

/// Longest wait for what cannot be told yet: a metric after its second scrape, a session after a restart.
const UNTOLD: Duration = Duration::from_secs(30);
const BETWEEN_LOOKS: Duration = Duration::from_secs(2);

/// Items set aside for this change, and why.
pub type SetAside = BTreeMap<String, String>;

/// One judged item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Judged {
    /// Item.
    pub id: &'static str,
    /// Verdict in the contract's word.
    pub verdict: &'static str,
    /// The line that explains it.
    pub detail: String,
    /// What to do.
    pub fix: &'static str,
    /// Phase of its gate.
    #[serde(skip)]
    pub phase: u8,
    /// Whether a later look may tell more.
    #[serde(skip)]
    may_change: bool,
}

/// Verdicts by item, in the document's order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Verdicts(Vec<Judged>);

/// What a gate says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// Nothing that counts failed.
    Passed,
    /// Something that counts failed.
    Failed,
    /// A gate before it failed.
    NotReached,
}

impl Standing {
    /// In words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "FAILED",
            Self::NotReached => "not reached",
        }
    }
}

/// One gate.
#[derive(Debug, Clone, Serialize)]
pub struct Gate {
    /// Number of the phase.
    pub phase: u8,
    /// Title of the phase.
    pub title: &'static str,
    /// What it says.
    pub standing: Standing,
    /// Ids of the items that shut it.
    pub shut_by: Vec<&'static str>,
    /// Its items.
    pub items: Vec<Judged>,
}

impl Verdicts {
    /// The rows of judged sections.
    pub fn of(sections: &[Section], aside: &SetAside) -> Self {
        let rows = sections.iter().flat_map(|section| &section.rows);
        let judged = rows.map(|row| {
            let aside = aside.get(row.item.id);
            Judged {
                id: row.item.id,
                verdict: if aside.is_some() { "skipped" } else { row.word() },
                detail: aside.map_or_else(|| row.detail().to_owned(), |reason| format!("set aside: {reason}")),
                fix: row.item.fix,
                phase: row.item.phase as u8,
                may_change: may_change(row),
            }
        });
        Self(judged.collect())
    }

    /// Verdicts of which only this is known: every item passed but for these.
    pub fn all_but(others: &[String]) -> Self {
        let judged = ALL.iter().map(|item| Judged {
            id: item.id,
            verdict: if others.iter().any(|id| id == item.id) {
                "unknown"
            } else {
                "pass"
            },
            detail: String::new(),
            fix: item.fix,
            phase: item.phase as u8,
            may_change: false,
        });
        Self(judged.collect())
    }

    /// Ids of the items that did not pass.
    pub fn others(&self) -> Vec<&'static str> {
        self.0
            .iter()
            .filter(|judged| judged.verdict != "pass")
            .map(|judged| judged.id)
            .collect()
    }

    /// The verdict of an item.
    pub fn get(&self, id: &str) -> Option<&Judged> {
        self.0.iter().find(|judged| judged.id == id)
    }

    /// Every judged item.
    pub fn all(&self) -> &[Judged] {
        &self.0
    }

    fn replace(&mut self, newer: Self) {
        for judged in newer.0 {
            if let Some(older) = self.0.iter_mut().find(|older| older.id == judged.id) {
                *older = judged;
            }
        }
    }

    /// Whether an item shuts its gate: it fails blocking, and, where something was there before, it passed before.
    fn shuts(judged: &Judged, before: Option<&Self>) -> bool {
        judged.verdict == "fail"
            && before.is_none_or(|before| before.get(judged.id).is_some_and(|it| it.verdict == "pass"))
    }

    /// Items worth another look.
    fn open(&self, before: Option<&Self>, with_unknown: bool) -> Vec<&'static Item> {
        let is_open = |judged: &Judged| {
            judged.may_change && (Self::shuts(judged, before) || (with_unknown && judged.verdict == "unknown"))
        };
        let of = |id| ALL.iter().copied().find(|item| item.id == id);
        self.0
            .iter()
            .filter(|judged| is_open(judged))
            .filter_map(|judged| of(judged.id))
            .collect()
    }

    /// The six gates, in order: one passes only when every earlier one has.
    pub fn gates(&self, before: Option<&Self>) -> Vec<Gate> {
        let mut is_open = true;
        let gate = |phase: Phase| {
            let items: Vec<_> = self
                .0
                .iter()
                .filter(|judged| judged.phase == phase as u8)
                .cloned()
                .collect();
            let shut_by: Vec<_> = items
                .iter()
                .filter(|judged| Self::shuts(judged, before))
                .map(|judged| judged.id)
                .collect();
            let standing = match (is_open, shut_by.is_empty()) {
                (false, _) => Standing::NotReached,
                (true, true) => Standing::Passed,
                (true, false) => Standing::Failed,
            };
            is_open &= shut_by.is_empty();
            Gate {
                phase: phase as u8,
                title: phase.title(),
                standing,
                shut_by,
                items,
            }
        };
        Phase::ALL.into_iter().map(gate).collect()
    }
}

/// Whether a later look may tell more. What nobody permits, serves or collects stays unknown, and so does what only an
/// active probe tells, once the probes have run.
fn may_change(row: &Row) -> bool {
    let stays = |missing: &Unreadable| matches!(missing.why, Why::Forbidden | Why::ApiAbsent | Why::NotCollected);
    match row.word() {
        "unknown" => {
            !row.item.reads.is_empty() && !row.item.reads.contains(&Source::Probes) && !row.missing().is_some_and(stays)
        }
        _ => true,
    }
}

/// How a look ended.
#[derive(Debug)]
pub enum Looked {
    /// With these verdicts.
    Told(Verdicts),
    /// Somebody asked to stop.
    Interrupted,
}

/// Judges every item, and again those that may yet turn good, until they did or `patience` is over.
///
/// # Errors
/// When nothing can be read at all.
pub async fn look(
    reader: &Reader,
    before: Option<&Verdicts>,
    aside: &SetAside,
    patience: Duration,
    interrupt: &Interrupt,
    progress: &Progress,
) -> Result<Looked, Error> {
    let began = Instant::now();
    let mut verdicts = Verdicts::default();
    let mut items = ALL.to_vec();
    loop {
        let looked = tokio::select! {
            looked = reader.judge(&items) => looked,
            () = interrupt.asked() => return Ok(Looked::Interrupted),
        };
        match looked {
            Ok(sections) if verdicts.0.is_empty() => verdicts = Verdicts::of(&sections, aside),
            Ok(sections) => verdicts.replace(Verdicts::of(&sections, aside)),
            // One cut line among several looks decides nothing.
            Err(error) if verdicts.0.is_empty() || began.elapsed() > patience => return Err(error),
            Err(_) => {}
        }
        items = verdicts.open(before, began.elapsed() < UNTOLD.min(patience));
        if items.is_empty() || began.elapsed() > patience {
            return Ok(Looked::Told(verdicts));
        }
        let names: Vec<_> = items.iter().map(|item| item.id).collect();
        progress.spin(&format!("not good yet: {}", names.join(", ")));
        tokio::select! {
            () = tokio::time::sleep(BETWEEN_LOOKS) => {}
            () = interrupt.asked() => return Ok(Looked::Interrupted),
        }
    }
}

impl std::fmt::Display for Gate {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let count = |verdict| self.items.iter().filter(|item| item.verdict == verdict).count();
        let standing = self.standing.words();
        write!(formatter, "gate {} {:<23} {standing:<11}", self.phase, self.title)?;
        for verdict in ["pass", "fail", "warning", "unknown", "manual", "waived", "skipped"] {
            if count(verdict) > 0 {
                write!(formatter, " {} {verdict}", count(verdict))?;
            }
        }
        for judged in self.items.iter().filter(|item| self.shut_by.contains(&item.id)) {
            write!(formatter, "\n{}: {}", judged.id, judged.detail)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdicts(list: &[(&'static str, u8, &'static str)]) -> Verdicts {
        let judged = |(id, phase, verdict): &(&'static str, u8, &'static str)| Judged {
            id,
            verdict,
            detail: String::new(),
            fix: "",
            phase: *phase,
            may_change: true,
        };
        Verdicts(list.iter().map(judged).collect())
    }

    fn standings(now: &Verdicts, before: Option<&Verdicts>) -> Vec<Standing> {
        now.gates(before).into_iter().map(|gate| gate.standing).collect()
    }

    #[test]
    fn a_gate_passes_only_when_every_gate_before_it_has() {
        use Standing::{Failed, NotReached, Passed};
        let now = verdicts(&[("database/instance", 2, "fail"), ("functional/health", 4, "pass")]);
        assert_eq!(
            standings(&now, None),
            [Passed, Failed, NotReached, NotReached, NotReached, NotReached]
        );
    }

    #[test]
    fn what_was_red_or_unknown_before_never_undoes_an_upgrade() {
        let now = verdicts(&[
            ("a/red", 1, "fail"),
            ("a/unknown", 1, "fail"),
            ("a/new", 1, "unknown"),
            ("a/advice", 1, "warning"),
        ]);
        let before = verdicts(&[
            ("a/red", 1, "fail"),
            ("a/unknown", 1, "unknown"),
            ("a/new", 1, "pass"),
            ("a/advice", 1, "pass"),
        ]);
        assert!(
            standings(&now, Some(&before))
                .iter()
                .all(|standing| *standing == Standing::Passed)
        );
        let before = verdicts(&[("a/red", 1, "pass")]);
        assert_eq!(now.gates(Some(&before))[0].shut_by, ["a/red"]);
    }

    #[test]
    fn on_a_first_install_any_blocking_failure_shuts_the_gate_and_unknown_does_not() {
        let now = verdicts(&[("a/x", 3, "unknown"), ("a/y", 3, "fail")]);
        assert_eq!(now.gates(None)[2].shut_by, ["a/y"]);
    }

    #[test]
    fn every_item_is_judged_at_the_gate_of_its_phase() {
        let now = Verdicts(
            ALL.iter()
                .map(|item| Judged {
                    id: item.id,
                    verdict: "pass",
                    detail: String::new(),
                    fix: item.fix,
                    phase: item.phase as u8,
                    may_change: false,
                })
                .collect(),
        );
        let gates = now.gates(None);
        assert_eq!(gates.iter().map(|gate| gate.items.len()).sum::<usize>(), ALL.len());
        for gate in &gates {
            for judged in &gate.items {
                assert_eq!(
                    ALL.iter().find(|item| item.id == judged.id).unwrap().phase as u8,
                    gate.phase
                );
            }
        }
    }
}
