//! Text from the cluster on its way in: control characters escaped, lengths capped.

/// Longest line that is kept, in characters.
pub(crate) const LONGEST_LINE: usize = 500;

/// One line of at most [`LONGEST_LINE`] characters.
pub(crate) fn line(text: &str) -> String {
    capped(text, LONGEST_LINE)
}

/// One line of at most `longest` characters and `…`; control characters (also those that turn the direction of writing)
/// are escaped, and count as they are written.
pub(crate) fn capped(text: &str, longest: usize) -> String {
    let mut line = String::with_capacity(text.len().min(longest));
    let mut room = longest;
    for letter in text.chars() {
        let escape = letter.is_control() && letter != '\t' || turns_direction(letter);
        let takes = if escape { letter.escape_default().count() } else { 1 };
        if takes > room {
            line.push('…');
            break;
        }
        room -= takes;
        match letter {
            '\t' => line.push(' '),
            letter if escape => line.extend(letter.escape_default()),
            letter => line.push(letter),
        }
    }
    line
}

fn turns_direction(letter: char) -> bool {
    matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::{capped, line};

    #[test]
    fn terminals_are_not_driven_by_the_cluster() {
        assert_eq!(line("\u{1b}[31mred\r\u{202e}x"), "\\u{1b}[31mred\\r\\u{202e}x");
        assert_eq!(capped("abcdef", 3), "abc…");
        assert_eq!(capped("ab\u{1b}", 5), "ab…", "an escape counts as it is written");
        assert_eq!(capped("äöü", 3), "äöü", "characters are counted, not bytes");
    }
}
