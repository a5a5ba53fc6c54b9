//! Verdicts, and the evidence without which none passes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Severity;
use crate::snapshot::{Snapshot, Source, Unreadable, hostile::capped};

/// Most characters of a value that are kept: what is longer is no evidence that a person reads.
const LONGEST: usize = 199;

/// One observed value: what it is, where it was read and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evidence {
    /// The source it was read from, such as `pods`.
    pub source: Source,
    /// The object, `kind/name`.
    pub object: String,
    /// The field or query.
    pub field: String,
    /// The value; never a secret's.
    pub value: String,
    /// When it was read.
    pub at: Timestamp,
    /// Whether it stays the same while nothing changes: a version does, a lag does not. Sign-offs bind to these.
    pub stable: bool,
}

impl Evidence {
    /// A value that stays while nothing changes.
    pub fn stable(
        snapshot: &Snapshot,
        source: Source,
        object: impl Into<String>,
        field: &str,
        value: impl std::fmt::Display,
    ) -> Self {
        Self {
            source,
            object: capped(&object.into(), LONGEST),
            field: field.into(),
            value: capped(&value.to_string(), LONGEST),
            at: snapshot.taken_at,
            stable: true,
        }
    }

    /// A value that moves by itself: a time, a usage, a lag.
    pub fn moving(
        snapshot: &Snapshot,
        source: Source,
        object: impl Into<String>,
        field: &str,
        value: impl std::fmt::Display,
    ) -> Self {
        Self {
            stable: false,
            ..Self::stable(snapshot, source, object, field, value)
        }
    }
}

/// At least one piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof(Vec<Evidence>);

impl Proof {
    /// A proof of one piece.
    pub fn of(first: Evidence) -> Self {
        Self(vec![first])
    }

    /// A proof of all of them; `None` when there are none.
    pub fn all(evidence: impl IntoIterator<Item = Evidence>) -> Option<Self> {
        let evidence: Vec<_> = evidence.into_iter().collect();
        (!evidence.is_empty()).then_some(Self(evidence))
    }

    /// Adds a piece.
    #[must_use]
    pub fn and(mut self, more: Evidence) -> Self {
        self.0.push(more);
        self
    }

    /// The pieces.
    pub fn pieces(&self) -> &[Evidence] {
        &self.0
    }
}

/// What an item decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It holds, and this proves it.
    Pass {
        /// One line.
        detail: String,
        /// The proof.
        proof: Proof,
    },
    /// It does not hold.
    Fail {
        /// One line: what, on which object.
        detail: String,
        /// What shows it.
        evidence: Vec<Evidence>,
        /// A lesser severity than the item's, for a lesser breach.
        severity: Option<Severity>,
    },
    /// It cannot be told.
    Unknown {
        /// Why.
        detail: String,
        /// What was seen all the same.
        evidence: Vec<Evidence>,
        /// The source that could not be read, when that is why.
        missing: Option<Unreadable>,
    },
    /// No machine can see it; a person attests it.
    Manual {
        /// What the person has to look at.
        detail: String,
    },
    /// It does not apply here, and this says why.
    Skipped {
        /// Why.
        reason: String,
    },
}

impl Verdict {
    /// It holds, and `proof` shows it.
    pub fn pass(detail: impl Into<String>, proof: Proof) -> Self {
        Self::Pass {
            detail: detail.into(),
            proof,
        }
    }

    /// It does not hold.
    pub fn fail(detail: impl Into<String>, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        Self::Fail {
            detail: detail.into(),
            evidence: evidence.into_iter().collect(),
            severity: None,
        }
    }

    /// A lesser breach: shown as a warning, whatever the item's severity.
    pub fn warn(detail: impl Into<String>, evidence: impl IntoIterator<Item = Evidence>) -> Self {
        Self::Fail {
            detail: detail.into(),
            evidence: evidence.into_iter().collect(),
            severity: Some(Severity::Advisory),
        }
    }

    /// It cannot be told.
    pub fn unknown(detail: impl Into<String>) -> Self {
        Self::Unknown {
            detail: detail.into(),
            evidence: Vec::new(),
            missing: None,
        }
    }

    /// It does not apply here.
    pub fn skipped(reason: impl Into<String>) -> Self {
        Self::Skipped { reason: reason.into() }
    }
}

impl From<Unreadable> for Verdict {
    fn from(missing: Unreadable) -> Self {
        Self::Unknown {
            detail: missing.to_string(),
            evidence: Vec::new(),
            missing: Some(missing),
        }
    }
}
