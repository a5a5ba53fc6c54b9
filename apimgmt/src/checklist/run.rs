//! Selecting items, judging them on a Snapshot, and what that says of the release as a whole.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use super::{ALL, Evidence, Item, SECTIONS, SectionTitle, Severity, Stage, Verdict, standing};
use crate::{
    ExitCode,
    error::Error,
    snapshot::{Snapshot, Source, Unreadable, sessions::Statement},
    suggestion::nearest,
    values::Waiver,
};

/// One judged item.
pub struct Row {
    /// The item.
    pub item: &'static Item,
    /// What it decided.
    pub verdict: Verdict,
    /// Who attested it, when it is manual.
    pub attestation: Option<Statement>,
    /// The waiver that sets it aside.
    pub waiver: Option<Waiver>,
    /// How long the judging took; zero for a recording, so that the same input gives the same bytes.
    pub took: Duration,
}

/// The judged items of one section.
pub struct Section {
    /// Its title.
    pub title: &'static SectionTitle,
    /// Its rows, in order.
    pub rows: Vec<Row>,
}

/// What the rows say of the release.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nothing failed, nothing is unknown, everything is signed.
    Ready,
    /// A blocking item failed.
    NotReady,
    /// Nothing failed, but something is unknown or waits for an attestation.
    CannotTell,
    /// Everything holds; the sign-offs are missing.
    AwaitingSignOff,
}

impl Status {
    /// The words of the document.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Ready => "READY FOR PRODUCTION",
            Self::NotReady => "NOT READY",
            Self::CannotTell => "CANNOT TELL",
            Self::AwaitingSignOff => "AWAITING SIGN-OFF",
        }
    }
}

/// How many rows came out how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Summary {
    /// Hold.
    pub pass: usize,
    /// Blocking, do not hold.
    pub fail: usize,
    /// Advisory, do not hold.
    pub warning: usize,
    /// Cannot be told.
    pub unknown: usize,
    /// Wait for a person.
    pub manual: usize,
    /// Set aside with reason, owner and expiry.
    pub waived: usize,
    /// Do not apply.
    pub skipped: usize,
    /// Of those that wait for a person, how many a person has attested.
    #[serde(skip)]
    pub attested: usize,
}

impl Row {
    /// The verdict in the contract's word.
    pub fn word(&self) -> &'static str {
        if self.waiver.is_some() {
            return "waived";
        }
        match &self.verdict {
            Verdict::Pass { .. } => "pass",
            Verdict::Fail { .. } if self.severity() == Severity::Blocking => "fail",
            Verdict::Fail { .. } => "warning",
            Verdict::Unknown { .. } => "unknown",
            Verdict::Manual { .. } => "manual",
            Verdict::Skipped { .. } => "skipped",
        }
    }

    /// The severity of this row: the item's, or the lesser one of a lesser breach.
    pub fn severity(&self) -> Severity {
        match &self.verdict {
            Verdict::Fail {
                severity: Some(lesser), ..
            } => (*lesser).min(self.item.severity),
            _ => self.item.severity,
        }
    }

    /// The one line that explains the verdict.
    pub fn detail(&self) -> &str {
        match &self.verdict {
            Verdict::Pass { detail, .. }
            | Verdict::Fail { detail, .. }
            | Verdict::Unknown { detail, .. }
            | Verdict::Manual { detail } => detail,
            Verdict::Skipped { reason } => reason,
        }
    }

    /// What shows it.
    pub fn evidence(&self) -> &[Evidence] {
        match &self.verdict {
            Verdict::Pass { proof, .. } => proof.pieces(),
            Verdict::Fail { evidence, .. } | Verdict::Unknown { evidence, .. } => evidence,
            Verdict::Manual { .. } | Verdict::Skipped { .. } => &[],
        }
    }

    /// The source that could not be read.
    pub fn missing(&self) -> Option<&Unreadable> {
        match &self.verdict {
            Verdict::Unknown { missing, .. } => missing.as_ref(),
            _ => None,
        }
    }
}

/// Judges items on a Snapshot, in the document's order.
pub fn judge(items: &[&'static Item], snapshot: &Snapshot) -> Vec<Section> {
    SECTIONS
        .iter()
        .map(|title| Section {
            title,
            rows: items
                .iter()
                .filter(|item| item.section() == title.id && item.stage == title.stage)
                .map(|item| judge_one(item, snapshot))
                .collect(),
        })
        .filter(|section| !section.rows.is_empty())
        .collect()
}

/// Judges one item, and then what people stated of it.
pub(super) fn judge_one(item: &'static Item, snapshot: &Snapshot) -> Row {
    let started = Instant::now();
    let verdict = (item.judge)(snapshot).unwrap_or_else(Verdict::from);
    let (verdict, stated) = standing::stated(item, verdict, snapshot);
    Row {
        item,
        verdict,
        attestation: stated.attestation,
        waiver: stated.waiver,
        took: started.elapsed(),
    }
}

impl Summary {
    /// Counts the rows of every section.
    pub fn of(sections: &[Section]) -> Self {
        Self::of_rows(sections.iter().flat_map(|section| &section.rows))
    }

    /// Counts rows.
    pub fn of_rows<'a>(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let mut summary = Self::default();
        for row in rows {
            summary.attested += usize::from(row.attestation.is_some());
            *match row.word() {
                "pass" => &mut summary.pass,
                "fail" => &mut summary.fail,
                "warning" => &mut summary.warning,
                "unknown" => &mut summary.unknown,
                "manual" => &mut summary.manual,
                "waived" => &mut summary.waived,
                _ => &mut summary.skipped,
            } += 1;
        }
        summary
    }

    /// What the whole checklist says, before any sign-off is looked at.
    pub fn status(&self) -> Status {
        match self {
            Self { fail: 1.., .. } => Status::NotReady,
            Self { unknown: 1.., .. } => Status::CannotTell,
            _ if self.manual > self.attested => Status::CannotTell,
            _ => Status::AwaitingSignOff,
        }
    }

    /// The exit code of a selection of items, from its rows alone.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self { fail: 1.., .. } => ExitCode::Wrong,
            Self { unknown: 1.., .. } => ExitCode::CannotTell,
            _ if self.manual > self.attested => ExitCode::CannotTell,
            _ => ExitCode::Done,
        }
    }
}

/// What must be read to judge items and head their report: the release, the waivers among the expectations, and what
/// people stated.
pub fn sources(items: &[&'static Item]) -> BTreeSet<Source> {
    let always = [Source::Releases, Source::Expectations, Source::Statements];
    let declared = items.iter().flat_map(|item| item.reads);
    declared.chain(&always).copied().collect()
}

/// The items that `pre`, `post`, a section or an id name; everything when nothing is named.
///
/// # Errors
/// When a name is none of these; the nearest one is suggested.
pub fn select(names: &[String]) -> Result<Vec<&'static Item>, Error> {
    if names.is_empty() {
        return Ok(ALL.to_vec());
    }
    for name in names {
        if !ALL.iter().any(|item| is_named(item, name)) {
            let known = ["pre", "post"]
                .into_iter()
                .chain(SECTIONS.iter().map(|section| section.id))
                .chain(ALL.iter().map(|item| item.id));
            let error = Error::usage(format!("there is no item or section `{name}`"));
            return Err(match nearest(name, known) {
                Some(near) => error.hint(format!("did you mean `{near}`? `kubectl apimgmt items` lists them")),
                None => error.hint("`kubectl apimgmt items` lists them"),
            });
        }
    }
    Ok(ALL
        .iter()
        .filter(|item| names.iter().any(|name| is_named(item, name)))
        .copied()
        .collect())
}

fn is_named(item: &Item, name: &str) -> bool {
    match name {
        "pre" => item.stage == Stage::Pre,
        "post" => item.stage == Stage::Post,
        _ => item.id == name || item.section() == name,
    }
}
