//! Performance, and from which counts it is told.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{ExpectedTraffic, Span};

/// What is expected of performance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedPerformance {
    /// How far back restarts, kills and throttling count.
    pub window: Span,
    /// Least share of reads that the cache answers.
    pub cache_hit_rate: f64,
    /// Fewest reads of the cache between two readings that tell anything of its share of hits.
    pub minimum_cache_reads: u64,
    /// Slowest 95th percentile of the answers.
    pub p95: Span,
    /// Requests in the window below which a percentile says nothing.
    pub minimum_requests: u64,
    /// Where requests are counted.
    pub traffic: ExpectedTraffic,
}

impl Default for ExpectedPerformance {
    fn default() -> Self {
        Self {
            window: Span(Duration::from_hours(1)),
            cache_hit_rate: 0.9,
            minimum_cache_reads: 100,
            p95: Span(Duration::from_millis(200)),
            // With 59 samples the largest of them bounds the 95th percentile with 95 % confidence (0.95^59 < 0.05, Wilks
            // 1941); a hundred leaves five above it.
            minimum_requests: 100,
            traffic: ExpectedTraffic::default(),
        }
    }
}
