//! How an install, an upgrade or a rollback ended.

use crate::release::{Cause, Outcome};

use super::text::escape_lines;

/// For a person.
pub fn table(outcome: &Outcome) -> String {
    let mut text = String::new();
    for gate in &outcome.gates {
        text.push_str(&gate.to_string());
        text.push('\n');
    }
    if let Some(cause) = &outcome.cause {
        text.push_str(&of_cause(cause));
    }
    text.push_str(&outcome.message);
    text.push('\n');
    if let Some((_, notes)) = outcome.notes.split_once("NOTES:") {
        text.push('\n');
        text.push_str(notes.trim());
        text.push('\n');
    }
    escape_lines(&text)
}

fn of_cause(cause: &Cause) -> String {
    let mut lines = vec![format!("CAUSE {}: {}", cause.object, cause.text)];
    lines.extend(cause.symptoms.iter().map(|line| format!("  seen: {line}")));
    lines.extend(cause.remedy.iter().map(|line| format!("  mend: {line}")));
    lines.join("\n") + "\n"
}
