//! Lengths of time.

use std::{str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A length of time, written as `90s`, `5m`, `24h`, `7d`, `200ms`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span(pub Duration);

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("`{text}` is not a length of time such as `90s`, `5m` or `24h`");
        let unit_at = text
            .find(|letter: char| !letter.is_ascii_digit() && letter != '.')
            .ok_or_else(refused)?;
        let (number, unit) = text.split_at(unit_at);
        let seconds = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86400.0,
            _ => return Err(refused()),
        };
        let number: f64 = number.parse().map_err(|_| refused())?;
        Duration::try_from_secs_f64(number * seconds)
            .map(Self)
            .map_err(|_| refused())
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let milliseconds = self.0.as_millis();
        match milliseconds {
            _ if !milliseconds.is_multiple_of(1000) => write!(formatter, "{milliseconds}ms"),
            _ if milliseconds.is_multiple_of(3_600_000) && milliseconds > 0 => {
                write!(formatter, "{}h", milliseconds / 3_600_000)
            }
            _ if milliseconds.is_multiple_of(60_000) && milliseconds > 0 => {
                write!(formatter, "{}m", milliseconds / 60_000)
            }
            _ => write!(formatter, "{}s", milliseconds / 1000),
        }
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::Span;

    #[test]
    fn a_length_of_time_reads_back_as_written() {
        for text in ["200ms", "90s", "5m", "24h", "0s"] {
            assert_eq!(text.parse::<Span>().unwrap().to_string(), text);
        }
        assert_eq!("7d".parse::<Span>().unwrap().to_string(), "168h");
        for wrong in ["", "5", "5 minutes", "-3s", "1e400s"] {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }
}
