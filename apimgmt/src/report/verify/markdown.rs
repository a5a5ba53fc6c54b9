//! Markdown as GitHub and GitLab read it: for tickets and pull requests.

use std::fmt::Write;

use super::{ItemReport, Report};
use crate::report::markdown::escaped;

/// The whole text.
pub(super) fn page(report: &Report) -> String {
    let mut text = String::from("# Production Deployment Checklist\n\n");
    if let Some(status) = report.status {
        let _ = writeln!(text, "**{status}**\n");
    }
    let release = report.release_words(escaped);
    let _ = writeln!(
        text,
        "Namespace {}, {release}, cluster {} {}, {}\n",
        escaped(&report.namespace),
        escaped(&report.cluster.context),
        escaped(&report.cluster.version),
        report.taken_at.strftime("%Y-%m-%d %H:%M:%S UTC")
    );
    let summary = report.summary;
    text.push_str(
        "| pass | fail | warning | unknown | manual | waived | skipped |\n|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    let _ = writeln!(
        text,
        "| {} | {} | {} | {} | {} | {} | {} |",
        summary.pass, summary.fail, summary.warning, summary.unknown, summary.manual, summary.waived, summary.skipped
    );
    if let Some(changes) = &report.changes {
        text.push_str(&changes.markdown(escaped));
    }
    for section in &report.sections {
        let _ = writeln!(
            text,
            "\n## {}\n\n| | item | detail |\n|---|---|---|",
            escaped(section.title)
        );
        for item in &section.items {
            row(&mut text, item);
        }
        let evidence: Vec<_> = section
            .items
            .iter()
            .flat_map(|item| item.evidence.iter().map(move |piece| (item.id, piece)))
            .collect();
        if evidence.is_empty() {
            continue;
        }
        text.push_str(
            "\n<details><summary>Evidence</summary>\n\n| item | object | field | value |\n|---|---|---|---|\n",
        );
        for (id, piece) in evidence {
            let (object, field, value) = (escaped(&piece.object), escaped(&piece.field), escaped(&piece.value));
            let _ = writeln!(text, "| {} | {object} | {field} | {value} |", escaped(id));
        }
        text.push_str("\n</details>\n");
    }
    text
}

fn row(text: &mut String, item: &ItemReport) {
    let mut detail = escaped(&item.detail);
    if matches!(item.verdict, "fail" | "warning") {
        let _ = write!(detail, "<br>**fix:** {}", item.fix);
    }
    if let Some(waiver) = &item.waiver {
        let until = waiver.until.map(|until| until.strftime("%Y-%m-%d").to_string());
        let _ = write!(
            detail,
            "<br>waived by {} until {}: {}",
            escaped(&waiver.owner),
            until.unwrap_or_default(),
            escaped(&waiver.reason)
        );
    }
    if let Some(attestation) = &item.attestation {
        let until = attestation.until.map(|until| until.strftime("%Y-%m-%d").to_string());
        let _ = write!(
            detail,
            "<br>attested by {} until {}: {}",
            escaped(&attestation.by),
            until.unwrap_or_default(),
            escaped(&attestation.evidence)
        );
    }
    let verdict = match item.verdict {
        "pass" => "✔ pass",
        "fail" => "✘ **fail**",
        "warning" => "! warning",
        "unknown" => "? unknown",
        "manual" => "☐ manual",
        "waived" => "~ waived",
        _ => "- skipped",
    };
    let _ = writeln!(text, "| {verdict} | {} | {detail} |", escaped(item.id));
}
