//! Counters, gauges and histograms, in Prometheus's text format.
use std::{sync::Arc, sync::atomic::AtomicU64, time::Duration};

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::app::App;

/// Seconds; 0.2 is the target that 95 of 100 requests must meet.
const BUCKETS: [f64; 12] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5, 10.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RequestLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
}

type Named = [(&'static str, &'static str); 1];

/// What `/metrics` shows.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<RequestLabels, Counter>,
    durations: Family<RouteLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
    connections: Family<Named, Gauge>,
    cache_requests: Family<Named, Counter>,
    dependencies: Family<Named, Gauge>,
    resident: Gauge<u64, AtomicU64>,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
            in_flight: Gauge::default(),
            connections: Family::default(),
            cache_requests: Family::default(),
            dependencies: Family::default(),
            resident: Gauge::default(),
        };
        let registry = &mut metrics.registry;
        // The library appends `_total` to counters.
        registry.register("http_requests", "Requests answered", metrics.requests.clone());
        registry.register(
            "http_request_duration_seconds",
            "Time to answer",
            metrics.durations.clone(),
        );
        registry.register(
            "http_requests_in_flight",
            "Requests being answered",
            metrics.in_flight.clone(),
        );
        registry.register(
            "database_pool_connections",
            "Database connections by state",
            metrics.connections.clone(),
        );
        registry.register(
            "cache_requests",
            "Reads of the cache by result",
            metrics.cache_requests.clone(),
        );
        registry.register(
            "dependency_up",
            "Whether a dependency could be used",
            metrics.dependencies.clone(),
        );
        registry.register(
            "process_resident_memory_bytes",
            "Memory in use",
            metrics.resident.clone(),
        );
        metrics
    }

    pub(crate) fn request_began(&self) {
        self.in_flight.inc();
    }

    pub(crate) fn request_ended(&self) {
        self.in_flight.dec();
    }

    pub(crate) fn request(&self, method: &str, route: &str, status: StatusCode, duration: Duration) {
        let (method, route) = (method.to_owned(), route.to_owned());
        let by_route = RouteLabels {
            method: method.clone(),
            route: route.clone(),
        };
        self.durations.get_or_create(&by_route).observe(duration.as_secs_f64());
        self.requests
            .get_or_create(&RequestLabels {
                method,
                route,
                status: status.as_u16(),
            })
            .inc();
    }

    pub(crate) fn cache_request<T, E>(&self, answer: &Result<Option<T>, E>) {
        let result = match answer {
            Ok(Some(_)) => "hit",
            Ok(None) => "miss",
            Err(_) => "error",
        };
        self.cache_requests.get_or_create(&[("result", result)]).inc();
    }

    pub(crate) fn dependency(&self, name: &'static str, is_up: bool) {
        self.dependencies
            .get_or_create(&[("dependency", name)])
            .set(is_up.into());
    }

    fn render(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("writing to a string can't fail");
        text
    }
}

/// `GET /metrics`
pub(crate) async fn show(State(app): State<Arc<App>>) -> Response {
    for (state, count) in app.database.connections() {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        app.metrics.connections.get_or_create(&[("state", state)]).set(count);
    }
    if let Some(bytes) = resident_bytes().await {
        app.metrics.resident.set(bytes);
    }
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], app.metrics.render()).into_response()
}

async fn resident_bytes() -> Option<u64> {
    let status = tokio::fs::read_to_string("/proc/self/status").await.ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_have_the_names_that_rules_and_dashboards_use() {
        let metrics = Metrics::new();
        metrics.request("GET", "/api/v1/apis", StatusCode::OK, Duration::from_millis(150));
        metrics.cache_request::<(), ()>(&Ok(None));
        let text = metrics.render();
        for line in [
            r#"http_requests_total{method="GET",route="/api/v1/apis",status="200"} 1"#,
            r#"http_request_duration_seconds_bucket{le="0.1",method="GET",route="/api/v1/apis"} 0"#,
            r#"http_request_duration_seconds_bucket{le="0.2",method="GET",route="/api/v1/apis"} 1"#,
            r#"cache_requests_total{result="miss"} 1"#,
        ] {
            assert!(text.contains(line), "{line} in\n{text}");
        }
    }
}
