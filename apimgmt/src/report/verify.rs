//! The result of `verify`: one model, from which every form is rendered.

use jiff::Timestamp;
use serde::Serialize;

use super::{Form, Style, checklist_table};
use crate::{
    ExitCode,
    checklist::{Evidence, Row, Section, Severity, Status, Summary},
    snapshot::{ClusterIdentity, Snapshot, Unreadable, collect::Cost},
    values::Waiver,
};

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
    pub(super) verdict: &'static str,
    severity: Severity,
    pub(super) detail: String,
    pub(super) fix: &'static str,
    duration_ms: f64,
    evidence: Vec<Evidence>,
    missing: Option<Missing>,
    attestation: Option<Attestation>,
    pub(super) waiver: Option<WaiverReport>,
}

/// The permission that was missing.
#[derive(Debug, Serialize)]
struct Missing {
    verb: String,
    resource: String,
    namespace: String,
}

/// Who attested a manual item; none stands until somebody can attest.
#[derive(Debug, Serialize)]
struct Attestation {
    by: String,
    at: Timestamp,
    until: Timestamp,
    evidence: String,
}

/// Why a row is set aside.
#[derive(Debug, Serialize)]
pub(super) struct WaiverReport {
    pub(super) reason: String,
    pub(super) owner: String,
    pub(super) until: Option<Timestamp>,
}

impl Report {
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
                name: revision.name.clone(),
                revision: revision.revision,
                status: revision.status.clone(),
            });
        Self {
            schema: SCHEMA,
            taken_at: snapshot.taken_at,
            cluster: snapshot.cluster.clone(),
            namespace: snapshot.namespace.clone(),
            release,
            status: status.map(Status::words),
            summary,
            sections: sections
                .iter()
                .map(|section| SectionReport::new(section, snapshot.replayed))
                .collect(),
            sign_offs: Vec::new(),
            cost: snapshot.cost,
            code,
        }
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
            Form::Json => super::json(self),
            Form::Yaml => super::yaml(self),
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
            verdict: row.word(),
            severity: row.severity(),
            detail: row.detail().to_owned(),
            fix: row.item.fix,
            duration_ms: if replayed { 0.0 } else { milliseconds },
            evidence: row.evidence().to_vec(),
            missing: row.missing().map(Missing::of),
            attestation: None,
            waiver: row.waiver.as_ref().map(WaiverReport::of),
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
            reason: waiver.reason.clone(),
            owner: waiver.owner.clone(),
            until: waiver.until,
        }
    }
}
