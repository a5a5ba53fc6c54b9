//! `checklist.alerts` and `checklist.synthetic`: where a test alert must arrive, and which check calls from outside.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// What is expected of alerts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExpectedAlerts {
    /// A service of the namespace that shows what it received; without a name, Alertmanager's word counts.
    pub receiver: AlertReceiver,
    /// Longest time until a test alert has arrived.
    pub within: Span,
}

impl Default for ExpectedAlerts {
    fn default() -> Self {
        Self {
            receiver: AlertReceiver::default(),
            within: Span(Duration::from_mins(1)),
        }
    }
}

/// Where what was received can be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct AlertReceiver {
    /// Name; empty for none.
    pub service: String,
    /// Port.
    pub port: u16,
    /// Path whose answer holds the labels of what was received.
    pub path: String,
}

impl Default for AlertReceiver {
    fn default() -> Self {
        Self {
            service: String::new(),
            port: 8080,
            path: "/".into(),
        }
    }
}

/// What is expected of the check from outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedSynthetic {
    /// Job of the `probe_success` series in Prometheus.
    pub job: String,
    /// Oldest last result.
    pub maximum_age: Span,
}

impl Default for ExpectedSynthetic {
    fn default() -> Self {
        Self {
            job: "synthetic".into(),
            maximum_age: Span(Duration::from_mins(5)),
        }
    }
}
