//! The result of `troubleshoot`: causes first, their symptoms folded below.

mod markdown;

use std::{collections::BTreeSet, fmt::Write};

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Form, Style,
    text::{Tone, counted, escape, paint},
};
use crate::{
    ExitCode,
    checklist::Evidence,
    diagnoses::{Diagnosed, Finding, RuledOut, Symptom, Weight},
    snapshot::{Snapshot, collect::Cost},
};

/// The version of the JSON shape.
pub const SCHEMA: &str = "apimgmt.troubleshoot/v1";

/// Symptoms that a listing shows of one finding; JSON has them all.
const SYMPTOMS_SHOWN: usize = 10;

/// The result of one run of `troubleshoot`; its JSON is a public contract.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    schema: &'static str,
    taken_at: Timestamp,
    namespace: String,
    findings: Vec<FindingReport>,
    unreadable: Vec<Blind>,
    cost: Cost,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FindingReport {
    id: &'static str,
    cause: String,
    object: String,
    severity: Weight,
    symptoms: Vec<Symptom>,
    evidence: Vec<Evidence>,
    ruled_out: Vec<RuledOut>,
    remedy: Vec<String>,
}

/// A source that could not be read.
#[derive(Debug, Serialize)]
struct Blind {
    verb: String,
    resource: String,
    why: String,
}

impl Report {
    /// The report of what was recognised.
    pub fn new(snapshot: &Snapshot, diagnosed: Diagnosed) -> Self {
        let blind = |unreadable: crate::snapshot::Unreadable| Blind {
            why: unreadable.to_string(),
            verb: unreadable.verb,
            resource: unreadable.resource,
        };
        Self {
            schema: SCHEMA,
            taken_at: snapshot.taken_at,
            namespace: snapshot.namespace.clone(),
            findings: diagnosed.findings.into_iter().map(FindingReport::from).collect(),
            unreadable: diagnosed.unreadable.into_iter().map(blind).collect(),
            cost: snapshot.cost,
        }
    }

    /// 3 when a cause was found, 4 when none was and something could not be read, else 0.
    pub fn exit_code(&self) -> ExitCode {
        let trouble = self.findings.iter().any(|finding| finding.severity != Weight::Info);
        match (trouble, self.unreadable.is_empty()) {
            (true, _) => ExitCode::Wrong,
            (false, false) => ExitCode::CannotTell,
            (false, true) => ExitCode::Done,
        }
    }

    /// The text in a form.
    pub fn render(&self, form: Form, style: Style) -> String {
        match form {
            Form::Json => super::json(self),
            Form::Yaml => super::yaml(self),
            Form::Table | Form::Short => self.listing(form, style),
        }
    }

    /// Markdown for an incident: causes, what shows them, what mends them.
    pub fn markdown(&self) -> String {
        markdown::page(self)
    }

    /// The objects that a finding is about, rests on or explains, `kind/name`; of symptoms those that a listing shows.
    pub fn objects(&self) -> BTreeSet<String> {
        self.findings
            .iter()
            .flat_map(FindingReport::objects)
            .map(str::to_owned)
            .collect()
    }

    fn listing(&self, form: Form, style: Style) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            finding.write(&mut text, form, style);
        }
        if self.findings.is_empty() {
            let nothing = if self.unreadable.is_empty() {
                "Nothing is wrong"
            } else {
                "Nothing was recognised"
            };
            let _ = writeln!(text, "{nothing} in namespace {}.", escape(&self.namespace));
        }
        if !self.unreadable.is_empty() {
            let _ = writeln!(
                text,
                "{}",
                paint(style, Tone::Unclear, "Could not be read, so nothing is said of it:")
            );
            for blind in &self.unreadable {
                let _ = writeln!(text, "  {}", escape(&blind.why));
            }
        }
        text
    }
}

impl From<Finding> for FindingReport {
    fn from(finding: Finding) -> Self {
        Self {
            id: finding.id,
            cause: finding.cause,
            object: finding.object,
            severity: finding.weight,
            symptoms: finding.symptoms,
            evidence: finding.evidence,
            ruled_out: finding.ruled_out,
            remedy: finding.remedy,
        }
    }
}

impl FindingReport {
    fn objects(&self) -> impl Iterator<Item = &str> {
        let symptoms = self
            .symptoms
            .iter()
            .take(SYMPTOMS_SHOWN)
            .map(|symptom| symptom.object.as_str());
        let shown = self.evidence.iter().map(|evidence| evidence.object.as_str());
        symptoms.chain(shown).chain([self.object.as_str()])
    }

    fn write(&self, text: &mut String, form: Form, style: Style) {
        let (word, tone) = match self.severity {
            Weight::Critical => ("✘ critical", Tone::Bad),
            Weight::Warning => ("! warning", Tone::Warn),
            Weight::Info => ("i info", Tone::Faint),
        };
        let _ = writeln!(
            text,
            "{}  {}  {}",
            paint(style, tone, word),
            escape(&self.object),
            escape(&self.cause)
        );
        if form == Form::Short {
            return;
        }
        for Evidence {
            object, field, value, ..
        } in &self.evidence
        {
            let _ = writeln!(
                text,
                "    seen: {} {}: {}",
                escape(object),
                escape(field),
                escape(value)
            );
        }
        for RuledOut { hypothesis, because } in &self.ruled_out {
            let _ = writeln!(text, "    not {}: {}", escape(hypothesis), escape(because));
        }
        if !self.symptoms.is_empty() {
            let _ = writeln!(text, "    explains {}:", counted(self.symptoms.len(), "symptom"));
            for symptom in self.symptoms.iter().take(SYMPTOMS_SHOWN) {
                let _ = writeln!(text, "      {}: {}", escape(&symptom.object), escape(&symptom.text));
            }
            if let Some(more) = self.symptoms.len().checked_sub(SYMPTOMS_SHOWN).filter(|more| *more > 0) {
                let _ = writeln!(text, "      and {more} more");
            }
        }
        for remedy in &self.remedy {
            let _ = writeln!(text, "    {} {}", paint(style, Tone::Good, "do:"), escape(remedy));
        }
        text.push('\n');
    }
}
