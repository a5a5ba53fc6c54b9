//! Text of the cluster, made safe and short; and what is read out of it.

/// Longest text of the cluster in a finding.
const LONGEST: usize = 360;

/// One line without control characters, capped: text of the cluster is hostile.
pub(crate) fn clean(text: &str) -> String {
    let mut line = String::with_capacity(text.len().min(LONGEST));
    for word in text.split(|letter: char| letter.is_whitespace() || letter.is_control()) {
        if word.is_empty() {
            continue;
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if line.len() > LONGEST {
            let end = (0..=LONGEST).rev().find(|end| line.is_char_boundary(*end)).unwrap_or(0);
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}

/// What stands between the first pair of double quotes after `mark`.
pub(crate) fn quoted<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    let rest = &text[text.find(mark)? + mark.len()..];
    rest.split('"').nth(1)
}

/// The word after `mark`, up to a blank, a comma or a quote.
pub(crate) fn after<'t>(text: &'t str, mark: &str) -> Option<&'t str> {
    let rest = &text[text.find(mark)? + mark.len()..];
    rest.split([' ', ',', '"', '\'', ')', ';'])
        .find(|word| !word.is_empty())
}

/// `a`, `a and b`, `a, b and c`.
pub(crate) fn list(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// An amount of bytes: `512 B`, `96.0 MiB`, `1.5 GiB`.
pub(crate) fn sized(bytes: i64) -> String {
    let tenths = |unit: i64| format!("{}.{}", bytes / unit, bytes % unit * 10 / unit);
    match bytes {
        ..1024 => format!("{bytes} B"),
        1024..1_048_576 => format!("{} KiB", tenths(1024)),
        1_048_576..1_073_741_824 => format!("{} MiB", tenths(1_048_576)),
        _ => format!("{} GiB", tenths(1_073_741_824)),
    }
}

/// `1 pod`, `3 pods`.
pub(crate) fn counted(count: i64, noun: &str) -> String {
    if count == 1 {
        format!("1 {noun}")
    } else {
        format!("{count} {noun}s")
    }
}

/// A time in seconds as a server tells it.
pub(crate) fn lasting(seconds: f64) -> String {
    super::minutes(jiff::SignedDuration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// How many letters two names differ by: Levenshtein's distance.
pub(crate) fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, letter) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let above = row[column + 1];
            row[column + 1] = (above + 1)
                .min(row[column] + 1)
                .min(diagonal + usize::from(letter != *other));
            diagonal = above;
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_the_cluster_is_one_short_harmless_line() {
        assert_eq!(clean("a\u{1b}[31m \n\tb"), "a [31m b");
        assert!(clean(&"ä".repeat(1000)).len() < LONGEST + 8);
    }

    #[test]
    fn parts_are_read_out_of_messages() {
        assert_eq!(quoted(r#"secret "app" not found"#, "secret"), Some("app"));
        assert_eq!(quoted("secret app", "secret"), None);
        assert_eq!(
            after("couldn't find key URL in Secret shop/app", "in Secret "),
            Some("shop/app")
        );
    }

    #[test]
    fn distance_counts_edits() {
        assert_eq!(distance("managment", "management"), 1);
        assert_eq!(distance("", "abc"), 3);
    }
}
