//! What the authorizer answers: whether an account of the release may do something.

use serde::{Deserialize, Serialize};

/// A question about one action.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Question {
    /// Service account of the release's namespace.
    pub account: String,
    /// Verb; `*` for every one.
    pub verb: String,
    /// API group; empty for the core group, `*` for every one.
    pub group: String,
    /// Resource, with a subresource after `/`; `*` for every one.
    pub resource: String,
    /// Object; empty for every one.
    pub name: String,
    /// Namespace; empty for the whole cluster.
    pub namespace: String,
}

impl Question {
    /// Whether an account may do everything everywhere.
    pub fn everything(account: &str) -> Self {
        Self {
            account: account.into(),
            verb: "*".into(),
            group: "*".into(),
            resource: "*".into(),
            ..Self::default()
        }
    }
}

impl std::fmt::Display for Question {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            verb,
            group,
            resource,
            name,
            namespace,
            ..
        } = self;
        write!(formatter, "{verb} {resource}")?;
        if !group.is_empty() {
            write!(formatter, ".{group}")?;
        }
        if !name.is_empty() {
            write!(formatter, " `{name}`")?;
        }
        if namespace.is_empty() {
            formatter.write_str(" in every namespace")
        } else {
            write!(formatter, " in {namespace}")
        }
    }
}

/// An answer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AccessReview {
    /// What was asked.
    #[serde(flatten)]
    pub question: Question,
    /// Whether it may.
    pub allowed: bool,
    /// The authorizer's own words; hostile, capped.
    pub reason: String,
}
