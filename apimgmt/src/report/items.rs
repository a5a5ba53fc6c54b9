//! What the items are, for people who have not met them.

use std::fmt::Write;

use crate::checklist::{Item, SECTIONS, Severity};

/// One line for each item, under its section.
pub fn list(items: &[&Item]) -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let rows: Vec<_> = items
            .iter()
            .filter(|item| item.section() == section.id && item.stage == section.stage)
            .collect();
        if !rows.is_empty() {
            let _ = write!(text, "{}{}\n", if text.is_empty() { "" } else { "\n" }, section.title);
        }
        for item in rows {
            let _ = writeln!(text, "  {:<31} {}", item.id, item.title);
        }
    }
    text
}

/// Why each item matters, what it reads, when it is first judged and what to do when it fails.
pub fn explain(items: &[&Item]) -> String {
    let mut text = String::new();
    for item in items {
        let severity = match item.severity {
            Severity::Blocking => "blocking",
            Severity::Advisory => "advisory",
        };
        let reads: Vec<_> = item.reads.iter().map(|source| source.id()).collect();
        let reads = if reads.is_empty() {
            "nothing: not implemented yet".to_owned()
        } else {
            reads.join(", ")
        };
        let _ = writeln!(
            text,
            "{}{} ({severity})\n  {}\n  why:   {}\n  fix:   {}\n  gate:  phase {}, {}\n  reads: {reads}",
            if text.is_empty() { "" } else { "\n" },
            item.id,
            item.title,
            item.why,
            item.fix,
            item.phase as u8,
            item.phase.title(),
        );
    }
    text
}
