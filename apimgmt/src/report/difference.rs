//! What a change would change, for a person.

use std::fmt::Write;

use super::text::escape_lines;
use crate::release::difference::{Action, Changed, Difference, Field};

/// For a person; symbols carry what colour would.
pub fn table(difference: &Difference) -> String {
    let Difference {
        release,
        namespace,
        from,
        ..
    } = difference;
    let mut text = match from {
        0 => format!("Install of release/{release} in namespace {namespace}\n"),
        _ => format!("Upgrade of release/{release} in namespace {namespace}, from revision {from}\n"),
    };
    if difference.is_empty() {
        text.push_str("Nothing would change.\n");
        return escape_lines(&text);
    }
    section(
        &mut text,
        "Images",
        difference
            .images
            .iter()
            .map(|image| format!("{} {}: {} → {}", image.object, image.container, image.old, image.new)),
    );
    section(
        &mut text,
        "Schema of the database",
        difference.migration.iter().map(|migration| {
            format!(
                "{} → {}, after a backup that is proven by a restore",
                migration.from, migration.to
            )
        }),
    );
    section(&mut text, "Away meanwhile", difference.downtime.iter().cloned());
    section(
        &mut text,
        "Values",
        difference.values.iter().map(|field| field_line(field, "    ")),
    );
    let count = |action| {
        difference
            .changes
            .iter()
            .filter(|change| change.action == action)
            .count()
    };
    let _ = writeln!(
        text,
        "\nObjects: {} new, {} changed, {} removed{}",
        count(Action::Add),
        count(Action::Change),
        count(Action::Remove),
        match difference.relabelled {
            0 => String::new(),
            more => format!(", {more} with another version label alone"),
        }
    );
    for change in &difference.changes {
        object(&mut text, change);
    }
    for warning in &difference.warnings {
        let _ = writeln!(text, "\n! {warning}");
    }
    escape_lines(&text)
}

fn section(text: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    for (at, line) in lines.enumerate() {
        if at == 0 {
            let _ = writeln!(text, "\n{title}");
        }
        let _ = writeln!(text, "  {line}");
    }
}

fn object(text: &mut String, change: &Changed) {
    let symbol = match change.action {
        Action::Add => '+',
        Action::Change => '~',
        Action::Remove => '-',
    };
    let hook = if change.hook { " (hook)" } else { "" };
    let _ = writeln!(text, "  {symbol} {}{hook}", change.object);
    for field in &change.fields {
        let _ = writeln!(text, "      {}", field_line(field, "        "));
    }
}

/// One line; texts of several lines one below the other.
fn field_line(field: &Field, indent: &str) -> String {
    let Field { path, old, new } = field;
    match (old, new) {
        (Some(old), Some(new)) if old.contains('\n') || new.contains('\n') => {
            let side = |mark: char, text: &str| {
                text.lines().fold(String::new(), |mut lines, line| {
                    let _ = write!(lines, "\n{indent}{mark} {line}");
                    lines
                })
            };
            format!("{path}:{}{}", side('-', old), side('+', new))
        }
        (Some(old), Some(new)) => format!("{path}: {old} → {new}"),
        (None, Some(new)) => format!("{path}: new, {new}"),
        (Some(old), None) => format!("{path}: gone, was {old}"),
        (None, None) => path.clone(),
    }
}
