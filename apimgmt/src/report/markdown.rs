//! Text of the cluster inside Markdown, as GitHub and GitLab read it.

/// Text as text: nothing of it is markup, a link, a picture, a mention or a reference to an issue.
pub(super) fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len() + text.len() / 4);
    let mut before = ' ';
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '@' => safe.push_str("&#64;"),
            '#' => safe.push_str("&#35;"),
            // A bare `https://` or `www.` becomes a link by itself.
            ':' => safe.push_str("&#58;"),
            '.' if matches!(before, 'w' | 'W') => safe.push_str("&#46;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '(' | ')' | '!' | '|' | '~' | '$' => {
                safe.push('\\');
                safe.push(letter);
            }
            letter => safe.push(letter),
        }
        before = letter;
    }
    safe
}

/// A command as a block of its own, which a reader can copy; no text can end the block before its time.
pub(super) fn block(command: &str) -> String {
    let longest = command.split(|letter| letter != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    format!("{fence}sh\n{}\n{fence}\n", super::escape(command))
}
