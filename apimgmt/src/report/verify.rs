//! The result of `verify`: one model, from which every form is rendered.

mod changes;
mod html;
mod junit;
mod markdown;
mod prometheus;
mod sarif;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use serde::Serialize;

use self::changes::Changes;
pub use self::{changes::Former, html::Run};
use super::{Style, checklist_table, text::harmless};
use crate::{
    ExitCode,
    checklist::{Evidence, Row, Section, Severity, Status, Summary},
    snapshot::{ClusterIdentity, Snapshot, Source, Unreadable, collect::Cost, sessions::Statement},
    values::Waiver,
};

/// The forms of the checklist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// Sections, aligned.
    #[default]
    Table,
    /// Only what is not green.
    Short,
    /// With the evidence of every row.
    Wide,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
    /// `JUnit` XML, for build servers.
    Junit,
    /// SARIF 2.1.0, for code scanning.
    Sarif,
    /// Markdown, for tickets.
    Markdown,
    /// One page that needs nothing else.
    Html,
    /// Prometheus' text exposition, for its textfile collector.
    Prometheus,
}

/// The version of the JSON shape.
pub const SCHEMA: &str = "apimgmt.verify/v1";

/// The result of one run of `verify`; its JSON is a public contract.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    schema: &'static str,
    taken_at: Timestamp,
    pub(super) cluster: ClusterIdentity,
    pub(super) namespace: String,
    pub(super) release: Option<Release>,
    pub(super) status: Option<&'static str>,
    pub(super) summary: Summary,
    pub(super) sections: Vec<SectionReport>,
    sign_offs: Vec<SignOff>,
    cost: Cost,
    /// What changed since a former run, when one is compared with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) changes: Option<Changes>,
    /// Former runs, oldest first; the page shows them.
    #[serde(skip)]
    history: Vec<Run>,
    #[serde(skip)]
    code: ExitCode,
}

/// The release that was looked at; `null` when Helm did not install it.
#[derive(Debug, Serialize)]
pub(super) struct Release {
    pub(super) name: String,
    pub(super) revision: i64,
    pub(super) status: String,
}

/// A sign-off; the list stays empty until somebody can sign.
#[derive(Debug, Serialize)]
struct SignOff {
    role: String,
    by: String,
    at: Timestamp,
    current: bool,
}

/// A section of the report.
#[derive(Debug, Serialize)]
pub(super) struct SectionReport {
    pub(super) id: &'static str,
    pub(super) title: &'static str,
    pub(super) items: Vec<ItemReport>,
}

/// A row of the report.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ItemReport {
    pub(super) id: &'static str,
    title: &'static str,
    #[serde(skip)]
    why: &'static str,
    #[serde(skip)]
    reads: &'static [Source],
    pub(super) verdict: &'static str,
    severity: Severity,
    pub(super) detail: String,
    pub(super) fix: &'static str,
    duration_ms: f64,
    pub(super) evidence: Vec<Evidence>,
    missing: Option<Missing>,
    pub(super) attestation: Option<Attestation>,
    pub(super) waiver: Option<WaiverReport>,
}

/// The permission that was missing.
#[derive(Debug, Serialize)]
struct Missing {
    verb: String,
    resource: String,
    namespace: String,
}

/// Who attested a manual item, and until when it counts.
#[derive(Debug, Serialize)]
pub(super) struct Attestation {
    pub(super) by: String,
    at: Option<Timestamp>,
    pub(super) until: Option<Timestamp>,
    pub(super) evidence: String,
}

/// Why a row is set aside.
#[derive(Debug, Serialize)]
pub(super) struct WaiverReport {
    pub(super) reason: String,
    pub(super) owner: String,
    pub(super) until: Option<Timestamp>,
}

impl Report {
    /// The release in words, its own text made harmless by the form's `escape`.
    pub(super) fn release_words(&self, escape: fn(&str) -> String) -> String {
        self.release.as_ref().map_or_else(
            || "no Helm release".to_owned(),
            |release| {
                format!(
                    "release {} revision {} ({})",
                    escape(&release.name),
                    release.revision,
                    escape(&release.status)
                )
            },
        )
    }

    /// The report of judged sections. `whole` says that every item was judged, so that there is a status.
    pub fn new(snapshot: &Snapshot, sections: &[Section], whole: bool) -> Self {
        let summary = Summary::of(sections);
        let status = whole.then(|| summary.status());
        let code = match status {
            Some(Status::Ready) => ExitCode::Done,
            Some(Status::NotReady) => ExitCode::Wrong,
            Some(Status::CannotTell | Status::AwaitingSignOff) => ExitCode::CannotTell,
            None => summary.exit_code(),
        };
        let release = snapshot
            .releases()
            .ok()
            .and_then(|revisions| revisions.first())
            .map(|revision| Release {
                name: harmless(&revision.name),
                revision: revision.revision,
                status: harmless(&revision.status),
            });
        Self {
            schema: SCHEMA,
            taken_at: snapshot.taken_at,
            cluster: ClusterIdentity {
                server: harmless(&snapshot.cluster.server),
                version: harmless(&snapshot.cluster.version),
                context: harmless(&snapshot.cluster.context),
                uid: harmless(&snapshot.cluster.uid),
            },
            namespace: harmless(&snapshot.namespace),
            release,
            status: status.map(Status::words),
            summary,
            sections: sections
                .iter()
                .map(|section| SectionReport::new(section, snapshot.replayed))
                .collect(),
            sign_offs: Vec::new(),
            cost: snapshot.cost,
            changes: None,
            history: Vec::new(),
            code,
        }
    }

    /// Adds what changed since a former run.
    #[must_use]
    pub fn since(mut self, former: &Former, snapshot: &Snapshot) -> Self {
        self.changes = Some(Changes::between(former, &self, snapshot));
        self
    }

    /// Adds former runs, which the page shows in the order of their times.
    #[must_use]
    pub fn with_history(mut self, runs: impl IntoIterator<Item = Run>) -> Self {
        self.history.extend(runs);
        self.history.sort_by_key(Run::taken_at);
        self
    }

    /// Ends with 3 when a row has one of these verdicts, in the contract's words, instead of on a blocking failure alone.
    #[must_use]
    pub fn failing_on(mut self, verdicts: &[&str]) -> Self {
        let summary = self.summary;
        let unclear = self.status.is_some() || summary.unknown > 0 || summary.manual > summary.attested;
        self.code = if self.rows().any(|row| verdicts.contains(&row.verdict)) {
            ExitCode::Wrong
        } else if self.code == ExitCode::Wrong && unclear {
            ExitCode::CannotTell
        } else if self.code == ExitCode::Wrong {
            ExitCode::Done
        } else {
            self.code
        };
        self
    }

    /// Whether nothing is left to wait for: no row fails, is unknown or waits for a person.
    pub fn is_settled(&self) -> bool {
        self.summary.exit_code() == ExitCode::Done
    }

    /// Whether every row says what it says in the other report.
    pub fn says_the_same_as(&self, other: &Self) -> bool {
        let words = |report: &Self| -> Vec<(&'static str, &'static str, String)> {
            let words = report.rows().map(|row| (row.id, row.verdict, row.detail.clone()));
            words.collect()
        };
        words(self) == words(other)
    }

    fn rows(&self) -> impl Iterator<Item = &ItemReport> {
        self.sections.iter().flat_map(|section| &section.items)
    }

    /// The exit code, the same in every form.
    pub fn exit_code(&self) -> ExitCode {
        self.code
    }

    /// The text in a form.
    pub fn render(&self, form: Form, style: Style) -> String {
        match form {
            Form::Table => checklist_table::table(self, style),
            Form::Short => checklist_table::short(self, style),
            Form::Wide => checklist_table::wide(self, style),
            Form::Json => super::json(self),
            Form::Yaml => super::yaml(self),
            Form::Junit => junit::page(self),
            Form::Sarif => sarif::page(self),
            Form::Markdown => markdown::page(self),
            Form::Html => html::page(self),
            Form::Prometheus => prometheus::page(self),
        }
    }

    /// When the snapshot was taken.
    pub(super) fn taken_at(&self) -> Timestamp {
        self.taken_at
    }
}

impl SectionReport {
    fn new(section: &Section, replayed: bool) -> Self {
        Self {
            id: section.title.id,
            title: section.title.title,
            items: section.rows.iter().map(|row| ItemReport::new(row, replayed)).collect(),
        }
    }
}

impl ItemReport {
    /// A replayed row took no time of its own, so that the same recording gives the same bytes.
    fn new(row: &Row, replayed: bool) -> Self {
        let milliseconds = (row.took.as_secs_f64() * 1e6).round() / 1e3;
        Self {
            id: row.item.id,
            title: row.item.title,
            why: row.item.why,
            reads: row.item.reads,
            verdict: row.word(),
            severity: row.severity(),
            detail: harmless(row.detail()),
            fix: row.item.fix,
            duration_ms: if replayed { 0.0 } else { milliseconds },
            evidence: row.evidence().iter().map(plain).collect(),
            missing: row.missing().map(Missing::of),
            attestation: row.attestation.as_ref().map(Attestation::of),
            waiver: row.waiver.as_ref().map(WaiverReport::of),
        }
    }
}

/// Evidence that may be shown anywhere.
fn plain(evidence: &Evidence) -> Evidence {
    Evidence {
        object: harmless(&evidence.object),
        field: harmless(&evidence.field),
        value: harmless(&evidence.value),
        ..evidence.clone()
    }
}

impl Attestation {
    fn of(statement: &Statement) -> Self {
        let evidence = match statement.sha256.as_str() {
            "" => harmless(&statement.text),
            digest => format!("{} (sha256 {})", harmless(&statement.text), harmless(digest)),
        };
        Self {
            by: harmless(&statement.by),
            at: statement.at,
            until: statement.until,
            evidence,
        }
    }
}

impl Missing {
    fn of(unreadable: &Unreadable) -> Self {
        Self {
            verb: unreadable.verb.clone(),
            resource: unreadable.resource.clone(),
            namespace: unreadable.namespace.clone(),
        }
    }
}

impl WaiverReport {
    fn of(waiver: &Waiver) -> Self {
        Self {
            reason: harmless(&waiver.reason),
            owner: harmless(&waiver.owner),
            until: waiver.until,
        }
    }
}
