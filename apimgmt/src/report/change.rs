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
    let list = |word: &str, lines: &[String]| {
        lines
            .iter()
            .map(|line| format!("  {word}: {line}\n"))
            .collect::<String>()
    };
    format!(
        "CAUSE {}: {}\n{}{}",
        cause.object,
        cause.text,
        list("seen", &cause.symptoms),
        list("mend", &cause.remedy)
    )
}
