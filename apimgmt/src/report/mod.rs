//! What people and scripts read: the only code that turns results into text.

pub mod bundle;
pub mod change;
mod checklist_table;
pub mod diagnoses;
pub mod difference;
pub mod items;
mod markdown;
pub mod progress;
pub mod rbac;
pub mod release;
pub mod rollback;
pub mod rules;
pub mod text;
pub mod troubleshoot;
pub mod verify;

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::Value;

pub use text::escape;

/// How text is laid out and coloured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Whether colour is used; meaning never rests on it alone.
    pub color: bool,
    /// Columns.
    pub width: u16,
}

/// When colour is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Color {
    /// On a terminal, unless `NO_COLOR` is set or `TERM` is `dumb`.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Style {
    /// The style of standard output. As for kubectl, any value of `NO_COLOR` counts, even an empty one.
    pub fn of_stdout(color: Color) -> Self {
        let terminal = io::stdout().is_terminal();
        let color = match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                terminal
                    && std::env::var_os("NO_COLOR").is_none()
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self {
            color,
            width: text::width_of_stdout(),
        }
    }
}

/// The form of the output.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Form {
    /// Sections, aligned.
    #[default]
    Table,
    /// Only what is not green.
    Short,
    /// JSON.
    Json,
    /// YAML.
    Yaml,
}

/// JSON with a final line break. Its text reads back as it was, and drives no terminal meanwhile.
pub fn json(value: &impl Serialize) -> String {
    use std::fmt::Write as _;

    let written = serde_json::to_string_pretty(value).unwrap_or_default();
    let mut text = String::with_capacity(written.len() + 1);
    for letter in written.chars() {
        // Outside of strings there are no such letters, and inside each may be written by its number.
        if letter != '\n' && (letter.is_control() || text::deceives(letter)) {
            let _ = write!(text, "\\u{:04x}", letter as u32);
        } else {
            text.push(letter);
        }
    }
    text.push('\n');
    text
}

/// YAML. Letters that would drive a terminal are escaped, since a plain scalar has no way to write them.
pub fn yaml(value: &impl Serialize) -> String {
    let mut value = serde_json::to_value(value).unwrap_or_default();
    escape_strings(&mut value);
    serde_yaml::to_string(&value).unwrap_or_default()
}

fn escape_strings(value: &mut Value) {
    match value {
        Value::String(written) => *written = text::escape_lines(written),
        Value::Array(list) => list.iter_mut().for_each(escape_strings),
        Value::Object(fields) => fields.values_mut().for_each(escape_strings),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Writes to standard output; a reader that has gone away is no error.
///
/// # Errors
/// When standard output cannot be written for another reason, such as a full disk.
pub fn print(text: &str) -> Result<(), crate::Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(crate::Error::could_not("could not write to standard output").because(error))
        }
        _ => Ok(()),
    }
}

/// Writes to standard output in place of what was written before, when it is a terminal; else below it.
///
/// # Errors
/// As [`print()`].
pub fn redraw(text: &str) -> Result<(), crate::Error> {
    if io::stdout().is_terminal() {
        // Home, the screen cleared, and what has scrolled away.
        return print(&format!("\u{1b}[H\u{1b}[2J\u{1b}[3J{text}"));
    }
    print(text)
}

/// Whether standard output is a terminal.
pub fn is_on_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Writes a line for the person at the terminal to standard error, where no script parses it.
pub fn message(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text::escape_lines(text));
}

/// Writes an error with its chain of reasons and, after a blank line, the next step.
pub fn error(error: &crate::Error) {
    use std::error::Error as _;

    let mut lines = format!("error: {error}");
    let mut source = error.source();
    while let Some(reason) = source {
        let words = reason.to_string();
        if !lines.ends_with(&words) {
            lines.push_str("\n  because: ");
            lines.push_str(&words);
        }
        source = reason.source();
    }
    if let Some(hint) = error.next_step() {
        lines.push_str("\n\nhint: ");
        lines.push_str(hint);
    }
    message(&lines);
}
