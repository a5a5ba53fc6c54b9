//! A release's standing and its pre-flight, for a person.

use std::fmt::Write;

use super::text::escape_lines;
use crate::{
    release::{check::Checked, status::Standing},
    values::rules::Weight,
};

/// `helm apimgmt status`.
pub fn status(standing: &Standing) -> String {
    let mut text = format!(
        "release/{} revision {} ({}) in namespace {}\nchart {}, application {}, last deployed {}\n{}\n\n",
        standing.release,
        standing.revision,
        standing.status.word(),
        standing.namespace,
        standing.chart,
        standing.app_version,
        standing.last_deployed,
        standing.description,
    );
    for phase in &standing.phases {
        let mark = if phase.ready { "✔" } else { "✘" };
        let _ = writeln!(
            text,
            "{mark} {} {:<23} {}",
            phase.phase,
            phase.title,
            phase.workloads.join(", ")
        );
    }
    for trouble in &standing.troubles {
        let _ = writeln!(text, "! {trouble}");
    }
    if let Some(change) = &standing.last_change {
        let outcome = if change.ended.is_some() {
            change.outcome.as_str()
        } else {
            "not ended"
        };
        let _ = writeln!(
            text,
            "\nlast change: {} by {}, {:.0}: {outcome}",
            change.verb, change.by, change.began
        );
        if let Some(gates) = change
            .marks
            .iter()
            .find(|mark| mark.step == "gates" && !mark.note.is_empty())
        {
            let _ = writeln!(text, "its gates: {}", gates.note);
        }
    }
    escape_lines(&text)
}

/// `helm apimgmt check`.
pub fn check(checked: &Checked) -> String {
    let mut text = String::new();
    for mistake in &checked.mistakes {
        let _ = writeln!(text, "✘ {mistake}");
    }
    if checked.mistakes.is_empty() {
        let fit = if checked.has_schema {
            "values fit the schema"
        } else {
            "values are held against no schema"
        };
        let _ = writeln!(text, "✔ {fit}, {} objects rendered", checked.objects);
    }
    for breach in &checked.rules {
        let told = format!("{}: {}: {}", breach.id, breach.object, breach.text);
        let _ = match breach.severity {
            Weight::Refuse => writeln!(text, "✘ {told}\n  fix: {}", breach.fix),
            Weight::Warn => writeln!(text, "! {told}\n  fix: {}", breach.fix),
            Weight::Note => writeln!(text, "- {told}"),
        };
    }
    for refused in &checked.refused {
        let _ = writeln!(text, "✘ {}: {}", refused.object, refused.text);
    }
    for item in &checked.items {
        let mark = match item.verdict {
            "pass" => "✔",
            "fail" => "✘",
            "warning" => "!",
            "unknown" => "?",
            _ => "-",
        };
        let _ = writeln!(text, "{mark} {:<31} {}", item.id, item.detail);
        if item.verdict == "fail" {
            let _ = writeln!(text, "  fix: {}", item.fix);
        }
    }
    for note in &checked.notes {
        let _ = writeln!(text, "note: {note}");
    }
    escape_lines(&text)
}
