//! `checklist.logs`: where the application's lines must be found.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// Where the application's lines must be found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedLogs {
    /// `loki`, `elasticsearch`, `opensearch`; empty for none.
    pub kind: String,
    /// Its address as pods of the monitoring reach it: `http://loki.observability:3100`.
    pub url: String,
    /// Loki: the streams to search, `{namespace="…"}` by default.
    pub selector: String,
    /// Loki: the tenant, `X-Scope-OrgID`.
    pub tenant: String,
    /// Elasticsearch and `OpenSearch`: the indices to search.
    pub index: String,
    /// Longest time until a line is found.
    pub within: Span,
}

impl ExpectedLogs {
    /// As results of the probe name it.
    pub(crate) fn place(&self) -> String {
        format!("{} at {}", self.kind, self.url)
    }
}

impl Default for ExpectedLogs {
    fn default() -> Self {
        Self {
            kind: String::new(),
            url: String::new(),
            selector: String::new(),
            tenant: String::new(),
            index: "*".into(),
            within: Span(Duration::from_secs(30)),
        }
    }
}
