//! Where in a template each line of its text comes from: marks that are rendered with it and taken out again.

use std::fmt::Write;

/// From the private use area: they mean nothing anywhere.
const OPEN: char = '\u{f8fe}';
const CLOSE: char = '\u{f8ff}';

/// The template with a mark in front of each line that writes something.
pub(super) fn mark(template: &str) -> String {
    let mut marked = String::with_capacity(template.len() * 2);
    let mut inside_tag = false;
    for (number, line) in (1..).zip(template.split_inclusive('\n')) {
        let start = line.trim_start();
        // A tag alone on its line vanishes with the line, which a mark would keep.
        let is_tag = ["{{#", "{{/", "{{else", "{{^", "{{!", "{{~", "{{>", "{{{{"]
            .iter()
            .any(|tag| start.starts_with(tag));
        if !inside_tag && !is_tag && !start.is_empty() {
            let _ = write!(marked, "{OPEN}{number}{CLOSE}");
        }
        marked.push_str(line);
        inside_tag = match (line.rfind("{{"), line.rfind("}}")) {
            (None, None) => inside_tag,
            (opened, closed) => opened > closed,
        };
    }
    marked
}

/// The text without its marks, and the origin of each of its lines; a line without a mark belongs to the one above.
pub(super) fn unmark(marked: &str) -> (String, Vec<u64>) {
    let (mut text, mut origins, mut last) = (String::with_capacity(marked.len()), Vec::new(), 1);
    for line in marked.split_inclusive('\n') {
        let mut first = None;
        let mut rest = line;
        while let Some((before, after)) = rest.split_once(OPEN) {
            text.push_str(before);
            let (number, after) = after.split_once(CLOSE).unwrap_or((after, ""));
            first = first.or(number.parse().ok());
            rest = after;
        }
        text.push_str(rest);
        last = first.unwrap_or(last);
        origins.push(last);
    }
    (text, origins)
}
