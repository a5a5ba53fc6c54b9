//! What people stated of items and stored in the release's namespace: attestations and waivers.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What a person states.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StatementKind {
    /// That an item which no machine can see holds.
    #[default]
    Attestation,
    /// That an item which does not hold is set aside.
    Waiver,
}

impl StatementKind {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Attestation => "attestation",
            Self::Waiver => "waiver",
        }
    }
}

/// One statement. Of those of a kind on an item the newest counts; none is ever changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Statement {
    /// The object that holds it, such as `configmap/apimgmt-statement-7d4xk`.
    pub object: String,
    /// What is stated.
    pub kind: StatementKind,
    /// It takes the former ones of its kind back.
    pub revoked: bool,
    /// Id of the item.
    pub item: String,
    /// Who stated it, as the API server named them.
    pub by: String,
    /// When the cluster stored it.
    pub at: Option<Timestamp>,
    /// Until when it counts.
    pub until: Option<Timestamp>,
    /// The evidence of an attestation, the reason of a waiver.
    pub text: String,
    /// SHA-256 of the file that is the evidence, hexadecimal; empty when the text is.
    pub sha256: String,
}

impl Statement {
    /// The newest statement of a kind on an item, unless that one takes the former ones back.
    ///
    /// The server's time counts, not the one that the author may write; it is to the second, and of two within one the
    /// revocation is taken for the newer.
    pub fn standing<'a>(statements: &'a [Self], kind: StatementKind, item: &str) -> Option<&'a Self> {
        statements
            .iter()
            .filter(|statement| statement.kind == kind && statement.item == item)
            .max_by_key(|statement| (statement.at, statement.revoked, &statement.object))
            .filter(|newest| !newest.revoked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(kind: StatementKind, at: i64, revoked: bool) -> Statement {
        Statement {
            kind,
            item: "a/b".into(),
            at: Timestamp::from_second(at).ok(),
            revoked,
            ..Statement::default()
        }
    }

    #[test]
    fn the_newest_counts_and_a_revocation_ends_those_before_it() {
        use StatementKind::{Attestation, Waiver};
        let standing = |statements: &[Statement]| {
            let found = Statement::standing(statements, Waiver, "a/b");
            found.and_then(|statement| statement.at).map(Timestamp::as_second)
        };
        let (first, second) = (stated(Waiver, 1, false), stated(Waiver, 2, false));
        assert_eq!(standing(&[]), None);
        assert_eq!(standing(&[second.clone(), first.clone()]), Some(2));
        assert_eq!(standing(&[first.clone(), stated(Waiver, 2, true)]), None);
        assert_eq!(standing(&[stated(Waiver, 1, true), second.clone()]), Some(2));
        assert_eq!(standing(&[second.clone(), stated(Waiver, 2, true)]), None);
        assert_eq!(standing(&[second.clone(), stated(Attestation, 3, true)]), Some(2));
        assert_eq!(Statement::standing(&[second], Waiver, "a/c"), None);
    }
}
