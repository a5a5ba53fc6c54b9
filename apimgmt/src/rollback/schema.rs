//! Whether an older application can run on the database schema that is there now.

use serde::Serialize;

use crate::snapshot::Labels;

/// Annotation of the application's deployment: the oldest schema it runs on.
const MINIMUM: &str = "apimgmt.io/schema-minimum";
/// The newest.
const MAXIMUM: &str = "apimgmt.io/schema-maximum";

/// Schema versions that an application runs on, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Range {
    /// Oldest.
    pub minimum: i64,
    /// Newest.
    pub maximum: i64,
}

/// What is known of the fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It runs.
    Fits,
    /// It does not, and why.
    DoesNot(String),
    /// It can't be told, and why.
    Unknown(String),
}

impl Range {
    /// The range that annotations declare.
    pub fn of(annotations: &Labels) -> Option<Self> {
        let number = |key| annotations.get(key)?.trim().parse().ok();
        Some(Self {
            minimum: number(MINIMUM)?,
            maximum: number(MAXIMUM)?,
        })
    }

    fn contains(self, version: i64) -> bool {
        (self.minimum..=self.maximum).contains(&version)
    }
}

impl std::fmt::Display for Range {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self { minimum, maximum } if minimum == maximum => write!(formatter, "{minimum}"),
            Self { minimum, maximum } => write!(formatter, "{minimum} to {maximum}"),
        }
    }
}

impl Fit {
    /// Whether `target` runs on schema `live`; what runs now (`current`) tells something where the database does not.
    pub fn of(target: Option<Range>, current: Option<Range>, live: Option<i64>) -> Self {
        match (target, current, live) {
            (Some(target), _, Some(live)) if target.contains(live) => Self::Fits,
            (Some(target), _, Some(live)) => Self::DoesNot(format!(
                "it runs on schema {target}, and the database has schema {live}"
            )),
            (Some(target), Some(current), None) if target == current => Self::Fits,
            (Some(target), Some(current), None)
                if target.minimum > current.maximum || target.maximum < current.minimum =>
            {
                Self::DoesNot(format!(
                    "it runs on schema {target}, and what runs now needs schema {current}"
                ))
            }
            (Some(target), _, None) => Self::Unknown(format!(
                "it runs on schema {target}, and the database's schema could not be read"
            )),
            (None, Some(_), _) => Self::Unknown("it does not say which schema it runs on".into()),
            (None, None, _) => Self::Fits,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_older_application_must_know_the_schema_that_is_there() {
        let range = |minimum, maximum| Some(Range { minimum, maximum });
        assert_eq!(Fit::of(range(1, 2), range(2, 3), Some(2)), Fit::Fits);
        assert!(
            matches!(Fit::of(range(1, 1), range(2, 2), Some(2)), Fit::DoesNot(why) if why.contains("schema 1") && why.contains("schema 2"))
        );
        assert_eq!(Fit::of(range(2, 2), range(2, 2), None), Fit::Fits);
        assert!(
            matches!(Fit::of(range(1, 1), range(2, 2), None), Fit::DoesNot(_)),
            "the ranges do not touch"
        );
        assert!(matches!(Fit::of(range(1, 2), range(2, 3), None), Fit::Unknown(_)));
        assert!(matches!(Fit::of(None, range(2, 3), Some(2)), Fit::Unknown(_)));
        assert_eq!(Fit::of(None, None, None), Fit::Fits, "a release without a schema");
    }
}
