//! What Prometheus counted of the application's requests over the declared window.

use serde::{Deserialize, Serialize};

/// Requests over a window, as counters and histograms tell; nothing is derived here, so that judging stays pure.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Traffic {
    /// The window, such as `1h`.
    pub window: String,
    /// Requests; `None` when there is no such series, or its value is no number.
    pub requests: Option<f64>,
    /// Those of them that failed.
    pub errors: Option<f64>,
    /// Highest rate over five minutes, in requests a second.
    pub peak_rate: Option<f64>,
    /// Requests up to each bound of the histogram, smallest bound first.
    pub buckets: Vec<Bucket>,
    /// Why Prometheus could not be asked, when it could not.
    pub error: Option<String>,
}

/// A bucket of a histogram: cumulative, as Prometheus has them.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Bucket {
    /// Upper bound in seconds; `None` is no bound.
    pub upper: Option<f64>,
    /// Requests up to it.
    pub count: f64,
}
