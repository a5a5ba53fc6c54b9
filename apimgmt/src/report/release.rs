//! A release's standing and its pre-flight, for a person.

use super::text::escape_lines;
use crate::release::{check::Checked, status::Standing};

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
        text.push_str(&format!(
            "{mark} {} {:<23} {}\n",
            phase.phase,
            phase.title,
            phase.workloads.join(", ")
        ));
    }
    for trouble in &standing.troubles {
        text.push_str(&format!("! {trouble}\n"));
    }
    if let Some(change) = &standing.last_change {
        let outcome = if change.ended.is_some() {
            change.outcome.as_str()
        } else {
            "not ended"
        };
        text.push_str(&format!(
            "\nlast change: {} by {}, {:.0}: {outcome}\n",
            change.verb, change.by, change.began
        ));
        if let Some(gates) = change
            .marks
            .iter()
            .find(|mark| mark.step == "gates" && !mark.note.is_empty())
        {
            text.push_str(&format!("its gates: {}\n", gates.note));
        }
    }
    escape_lines(&text)
}

/// `helm apimgmt check`.
pub fn check(checked: &Checked) -> String {
    let mut text = String::new();
    for mistake in &checked.mistakes {
        text.push_str(&format!("✘ {mistake}\n"));
    }
    if checked.mistakes.is_empty() {
        text.push_str(&format!(
            "✔ values fit the schema, {} objects rendered\n",
            checked.objects
        ));
    }
    for refused in &checked.refused {
        text.push_str(&format!("✘ {}: {}\n", refused.object, refused.text));
    }
    for item in &checked.items {
        let mark = match item.verdict {
            "pass" => "✔",
            "fail" => "✘",
            "warning" => "!",
            "unknown" => "?",
            _ => "-",
        };
        text.push_str(&format!("{mark} {:<31} {}\n", item.id, item.detail));
        if item.verdict == "fail" {
            text.push_str(&format!("  fix: {}\n", item.fix));
        }
    }
    for note in &checked.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    escape_lines(&text)
}
