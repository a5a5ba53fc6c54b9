//! Markdown that can be pasted into an incident.

use std::fmt::Write;

use super::{FindingReport, Report, SYMPTOMS_SHOWN};
use crate::{
    diagnoses::Weight,
    report::markdown::{block, escaped},
};

/// The whole text.
pub(super) fn page(report: &Report) -> String {
    let mut text = format!(
        "# What is wrong in namespace {}\n\n{}\n",
        escaped(&report.namespace),
        report.taken_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    );
    for finding in &report.findings {
        finding.section(&mut text);
    }
    if report.findings.is_empty() {
        let nothing = if report.unreadable.is_empty() {
            "Nothing is wrong."
        } else {
            "Nothing was recognised."
        };
        let _ = writeln!(text, "\n{nothing}");
    }
    if !report.unreadable.is_empty() {
        text.push_str("\n## Could not be read, so nothing is said of it\n\n");
        for blind in &report.unreadable {
            let _ = writeln!(text, "- {}", escaped(&blind.why));
        }
    }
    text
}

impl FindingReport {
    fn section(&self, text: &mut String) {
        let word = match self.severity {
            Weight::Critical => "✘ critical",
            Weight::Warning => "! warning",
            Weight::Info => "i info",
        };
        let _ = writeln!(
            text,
            "\n## {word}: {}\n\n**{}** ({})\n",
            escaped(&self.object),
            escaped(&self.cause),
            escaped(self.id)
        );
        if !self.evidence.is_empty() {
            text.push_str("| seen at | field | value |\n|---|---|---|\n");
            for piece in &self.evidence {
                let (object, field, value) = (escaped(&piece.object), escaped(&piece.field), escaped(&piece.value));
                let _ = writeln!(text, "| {object} | {field} | {value} |");
            }
            text.push('\n');
        }
        for ruled in &self.ruled_out {
            let _ = writeln!(
                text,
                "- not {}: {}",
                escaped(&ruled.hypothesis),
                escaped(&ruled.because)
            );
        }
        if !self.symptoms.is_empty() {
            text.push_str("\nExplains:\n\n");
            for symptom in self.symptoms.iter().take(SYMPTOMS_SHOWN) {
                let _ = writeln!(text, "- {}: {}", escaped(&symptom.object), escaped(&symptom.text));
            }
            if let Some(more) = self.symptoms.len().checked_sub(SYMPTOMS_SHOWN).filter(|more| *more > 0) {
                let _ = writeln!(text, "- and {more} more");
            }
        }
        for remedy in &self.remedy {
            // A command stands in a block, a sentence stands as it is.
            let is_command = remedy.starts_with("kubectl ") || remedy.starts_with("helm ");
            let written = if is_command {
                block(remedy)
            } else {
                format!("{}\n", escaped(remedy))
            };
            let _ = write!(text, "\n{written}");
        }
    }
}
