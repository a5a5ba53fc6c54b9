//! Text of the cluster made safe to print, and laid out.

use std::{fmt::Write, io::IsTerminal};

use super::Style;

/// Columns where there is no terminal.
pub const DEFAULT_WIDTH: u16 = 120;

/// The longest piece of cluster text that is shown in one place, in characters.
const LONGEST: usize = 500;

/// Escapes control characters and the marks that turn text around, and caps the length: cluster text is hostile.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len().min(LONGEST));
    for (index, letter) in text.chars().enumerate() {
        if index == LONGEST {
            safe.push('…');
            break;
        }
        push_escaped(&mut safe, letter);
    }
    safe
}

/// The same, without a cap: for text that a form lays out itself.
pub(super) fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    text.chars().for_each(|letter| push_escaped(&mut safe, letter));
    safe
}

/// The same for a whole message of ours that may quote cluster text: line breaks stay, nothing is cut.
pub fn escape_lines(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter == '\n' {
            safe.push('\n');
        } else {
            push_escaped(&mut safe, letter);
        }
    }
    safe
}

/// Whether a letter reorders or hides what a reader sees: bidirectional marks and those without width.
pub(super) fn deceives(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

fn push_escaped(safe: &mut String, letter: char) {
    match letter {
        '\n' => safe.push_str("\\n"),
        '\t' => safe.push(' '),
        '\r' => safe.push_str("\\r"),
        '\u{1b}' => safe.push_str("^["),
        _ if letter.is_control() || deceives(letter) => {
            let _ = write!(safe, "\\u{{{:x}}}", letter as u32);
        }
        _ => safe.push(letter),
    }
}

/// The colours that are used, by what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    /// Holds.
    Good,
    /// Does not hold.
    Bad,
    /// A warning.
    Warn,
    /// Cannot be told.
    Unclear,
    /// Less important.
    Faint,
    /// A heading.
    Strong,
}

/// Puts the tone around the text when colour is on.
pub fn paint(style: Style, tone: Tone, text: &str) -> String {
    if !style.color {
        return text.to_owned();
    }
    let code = match tone {
        Tone::Good => "32",
        Tone::Bad => "1;31",
        Tone::Warn => "33",
        Tone::Unclear => "35",
        Tone::Faint => "2",
        Tone::Strong => "1",
    };
    format!("\u{1b}[{code}m{text}\u{1b}[0m")
}

/// Columns of the terminal, else [`DEFAULT_WIDTH`].
pub fn width_of_stdout() -> u16 {
    if !std::io::stdout().is_terminal() {
        return DEFAULT_WIDTH;
    }
    terminal_size::terminal_size().map_or(DEFAULT_WIDTH, |(terminal_size::Width(columns), _)| columns.max(60))
}

/// `1 pod`, `2 pods`.
pub fn counted(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// Folds `text` at blanks into lines of at most `width` characters; a longer word stands alone.
pub fn folded(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().map_or(0, |line| line.chars().count());
        match lines.last_mut() {
            Some(last) if line == 0 => last.push_str(word),
            Some(last) if line + 1 + word.chars().count() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{escape, escape_lines, folded};

    #[test]
    fn hostile_text_can_neither_move_the_cursor_nor_hide() {
        assert_eq!(escape("ok\u{1b}[2J\rgone\n"), "ok^[[2J\\rgone\\n");
        assert_eq!(escape("a\u{202e}b\u{200b}"), "a\\u{202e}b\\u{200b}");
        assert_eq!(escape(&"x".repeat(10_000)).chars().count(), 501);
        assert_eq!(escape_lines("two\nlines\u{7}"), "two\nlines\\u{7}");
    }

    #[test]
    fn lines_are_folded_at_blanks_and_long_words_stay_whole() {
        assert_eq!(folded("one two three", 7), ["one two", "three"]);
        assert_eq!(folded("a-very-long-word b", 5), ["a-very-long-word", "b"]);
        assert_eq!(folded("", 5), [""]);
    }
}
