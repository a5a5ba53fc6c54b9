//! A token bucket for each client.
use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Instant,
};

use axum::{
    extract::{Request, State},
    http::{HeaderValue, StatusCode, header},
    middleware::Next,
    response::Response,
};

use crate::{app::App, problem::Problem, requests};

/// Above this many clients, those whose bucket is full again are forgotten.
const CLIENTS: usize = 10_000;

struct Bucket {
    tokens: f64,
    filled_at: Instant,
}

/// Buckets hold one second's worth of requests.
pub(crate) struct RateLimit {
    per_second: f64,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

impl RateLimit {
    /// 0 is no limit.
    pub(crate) fn new(per_second: u32) -> Self {
        Self {
            per_second: per_second.into(),
            buckets: Mutex::default(),
        }
    }

    /// Takes one token, if there is one.
    fn admits(&self, client: IpAddr, now: Instant) -> bool {
        if self.per_second == 0.0 {
            return true;
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= CLIENTS {
            buckets.retain(|_, bucket| self.level(bucket, now) < self.per_second);
        }
        let bucket = buckets.entry(client).or_insert(Bucket {
            tokens: self.per_second,
            filled_at: now,
        });
        bucket.tokens = self.level(bucket, now);
        bucket.filled_at = now;
        let admitted = bucket.tokens >= 1.0;
        if admitted {
            bucket.tokens -= 1.0;
        }
        admitted
    }

    fn level(&self, bucket: &Bucket, now: Instant) -> f64 {
        let since = now.saturating_duration_since(bucket.filled_at).as_secs_f64();
        (bucket.tokens + since * self.per_second).min(self.per_second)
    }
}

/// Answers 429 to a client that asks too often.
pub(crate) async fn limit(State(app): State<Arc<App>>, request: Request, next: Next) -> Result<Response, Problem> {
    let client = requests::client(&request);
    if app.rate_limit.admits(client, Instant::now()) {
        return Ok(next.run(request).await);
    }
    let text = format!("more than {} requests a second", app.rate_limit.per_second);
    let retry = (header::RETRY_AFTER, HeaderValue::from_static("1"));
    Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, text).with_header(retry.0, retry.1))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const ONE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1));
    const OTHER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2));

    #[test]
    fn a_bucket_empties_fills_again_and_is_each_client_s_own() {
        let limit = RateLimit::new(2);
        let start = Instant::now();
        assert!(limit.admits(ONE, start) && limit.admits(ONE, start));
        assert!(!limit.admits(ONE, start));
        assert!(limit.admits(OTHER, start));
        assert!(limit.admits(ONE, start + Duration::from_millis(500)));
        assert!(!limit.admits(ONE, start + Duration::from_millis(500)));
    }

    #[test]
    fn a_long_pause_saves_no_more_than_one_second_s_worth() {
        let limit = RateLimit::new(2);
        let later = Instant::now() + Duration::from_hours(1);
        limit.admits(ONE, Instant::now());
        assert!(limit.admits(ONE, later) && limit.admits(ONE, later));
        assert!(!limit.admits(ONE, later));
    }

    #[test]
    fn idle_clients_are_forgotten() {
        let limit = RateLimit::new(1);
        let start = Instant::now();
        for number in 0..u32::try_from(CLIENTS).unwrap() {
            limit.admits(IpAddr::V4(number.into()), start);
        }
        limit.admits(ONE, start + Duration::from_secs(2));
        assert_eq!(limit.buckets.lock().unwrap().len(), 1);
    }

    #[test]
    fn zero_is_no_limit() {
        let limit = RateLimit::new(0);
        assert!((0..1000).all(|_| limit.admits(ONE, Instant::now())));
    }
}
