//! When a server wrote a line of its log.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

/// The time at the beginning of a line of PostgreSQL (`2026-11-23 07:59:58.123 UTC [77] …`) or Redis
/// (`1:M 23 Nov 2026 07:59:58.123 # …`), where it is there and in UTC, which both write in containers.
pub(crate) fn written_at(line: &str) -> Option<Timestamp> {
    let words: Vec<&str> = line.split_whitespace().take(5).collect();
    let civil = match words.as_slice() {
        [day, time, zone, ..] if matches!(*zone, "UTC" | "GMT") => format!("{day}T{time}"),
        [_, day, month, year, time] => format!("{year}-{:02}-{day:0>2}T{time}", month_of(month)?),
        _ => return None,
    };
    let civil: DateTime = civil.parse().ok()?;
    Some(civil.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn month_of(name: &str) -> Option<usize> {
    const MONTHS: &[&str] = &[
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    MONTHS.iter().position(|month| *month == name).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::written_at;

    #[test]
    fn times_of_both_servers_are_read_and_nothing_else_is() {
        for line in [
            "2026-11-23 07:59:58.123 UTC [77] LOG:  x",
            "1:M 23 Nov 2026 07:59:58.123 # Write error",
        ] {
            assert_eq!(
                written_at(line).map(|at| at.to_string()),
                Some("2026-11-23T07:59:58.123Z".into()),
                "{line}"
            );
        }
        for line in [
            "2026-11-23 07:59:58.123 CET [77] x",
            "",
            "a b c d e",
            "1:M 23 Foo 2026 07:59:58.123 # x",
        ] {
            assert_eq!(written_at(line), None, "{line}");
        }
    }
}
