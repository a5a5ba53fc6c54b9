//! Why something could not be read: never taken for absence.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Source;

/// A source that could not be read, with the permission that was missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unreadable {
    /// What could not be read.
    pub source: Source,
    /// Verb that was tried.
    pub verb: String,
    /// Resource that was asked for.
    pub resource: String,
    /// Namespace; empty for cluster-scoped resources.
    #[serde(default)]
    pub namespace: String,
    /// Why.
    pub why: Why,
}

/// Why a source could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "reason", content = "message", rename_all = "kebab-case")]
pub enum Why {
    /// RBAC refused.
    Forbidden,
    /// No answer in time.
    Timeout,
    /// The run's budget of time or requests was used up before it.
    Budget,
    /// The server does not serve this API.
    ApiAbsent,
    /// A recording does not hold it.
    NotCollected,
    /// The session to the service failed: why, without secrets.
    Session(String),
    /// Anything else: what the server said.
    Failed(String),
    /// Something that it needs could not be read.
    Needs(Source),
}

impl Unreadable {
    /// A source that could not be read in `namespace`.
    pub fn new(source: Source, namespace: &str, why: Why) -> Self {
        // What must be granted is what the other source lacks.
        let access = match why {
            Why::Needs(needed) => needed.access(),
            _ => source.access(),
        };
        let namespaced = !matches!(access.scope, super::Scope::Cluster | super::Scope::OwnNamespace);
        Self {
            source,
            verb: access.verb.into(),
            resource: if access.group.is_empty() {
                access.resource.into()
            } else {
                format!("{}.{}", access.resource, access.group)
            },
            namespace: if namespaced { namespace.into() } else { String::new() },
            why,
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            source, verb, resource, ..
        } = self;
        match &self.why {
            Why::Forbidden if self.namespace.is_empty() => write!(formatter, "not permitted to {verb} `{resource}`"),
            Why::Forbidden => write!(
                formatter,
                "not permitted to {verb} `{resource}` in `{}`",
                self.namespace
            ),
            Why::Timeout => write!(formatter, "no answer in time from {}", source.id()),
            Why::Budget => write!(formatter, "the run's budget ended before {} was read", source.id()),
            Why::ApiAbsent => write!(formatter, "the cluster does not serve `{resource}`"),
            Why::NotCollected => write!(formatter, "{} was not collected", source.id()),
            Why::Session(message) | Why::Failed(message) => {
                write!(formatter, "could not read {}: {message}", source.id())
            }
            Why::Needs(other) => write!(
                formatter,
                "{} needs {}, which could not be read: {verb} `{resource}`",
                source.id(),
                other.id()
            ),
        }
    }
}

impl std::error::Error for Unreadable {}
