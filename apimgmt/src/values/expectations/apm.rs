//! `checklist.apm`: where the application's traces must be found.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// Where the application's traces must be found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedApm {
    /// `zipkin`, `jaeger`, `tempo`; empty for none.
    pub kind: String,
    /// Its address as pods of the monitoring reach it: `http://zipkin.observability:9411`.
    pub url: String,
    /// Tempo: the tenant, `X-Scope-OrgID`.
    pub tenant: String,
    /// What the application is asked for, as a traced request.
    pub path: String,
    /// Longest time until the trace is found.
    pub within: Span,
}

impl ExpectedApm {
    /// As results of the probe name it.
    pub(crate) fn place(&self) -> String {
        format!("{} at {}", self.kind, self.url)
    }
}

impl Default for ExpectedApm {
    fn default() -> Self {
        Self {
            kind: String::new(),
            url: String::new(),
            tenant: String::new(),
            path: "/api/v1/apis".into(),
            within: Span(Duration::from_secs(30)),
        }
    }
}
