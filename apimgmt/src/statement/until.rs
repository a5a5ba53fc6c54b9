//! Until when a statement counts, as people write it.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::{Error, values::Span};

/// Reads `2027-01-31` (to the end of that day, UTC), a time as RFC 3339 writes it, or a length of time from now such as `30d`.
///
/// # Errors
/// When it is none of these, or lies in the past: such a statement would count for nothing.
pub fn until(text: &str, now: Timestamp) -> Result<Timestamp, Error> {
    let time = parsed(text, now).ok_or_else(|| {
        Error::usage(format!("`{text}` is no time")).hint("write a day such as `2027-01-31`, a time such as `2027-01-31T12:00:00Z`, or a length of time such as `30d`")
    })?;
    if time <= now {
        return Err(Error::usage(format!("`{text}` is past already")).hint("name a time that lies ahead"));
    }
    Ok(time)
}

fn parsed(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Ok(time) = text.parse::<Timestamp>() {
        return Some(time);
    }
    if let Ok(day) = text.parse::<Date>() {
        return end_of(day);
    }
    let span: Span = text.parse().ok()?;
    now.checked_add(SignedDuration::try_from(span.0).ok()?).ok()
}

/// The first moment after a day, UTC.
pub(crate) fn end_of(day: Date) -> Option<Timestamp> {
    let next = day.tomorrow().ok()?.to_zoned(TimeZone::UTC).ok()?;
    Some(next.timestamp())
}

#[cfg(test)]
mod tests {
    use super::until;

    #[test]
    fn a_day_lasts_to_its_end_and_what_is_past_is_refused() {
        let now = "2026-11-23T11:00:00Z".parse().unwrap();
        let read = |text: &str| until(text, now).map(|time| time.to_string());
        assert_eq!(read("2026-11-23").unwrap(), "2026-11-24T00:00:00Z");
        assert_eq!(read("2027-02-01T08:00:00Z").unwrap(), "2027-02-01T08:00:00Z");
        assert_eq!(read("2d").unwrap(), "2026-11-25T11:00:00Z");
        for wrong in ["2026-11-22", "soon", "", "1e300d", "99999999d"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
