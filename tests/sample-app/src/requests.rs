//! What happens around every request: an id, one line in the log, and the metrics.
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Instant,
};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use ring::rand::{SecureRandom, SystemRandom};
use tracing::info;

use crate::{
    app::App,
    traces::Answered,
};

pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
pub(crate) const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Counts a request even if its client goes away before the answer.
struct InFlight(Arc<App>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.metrics.request_ended();
    }
}

/// Measures and logs. The line holds no header and no query: either may carry a secret.
pub(crate) async fn observe(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let id = request_id(&request);
    request.headers_mut().insert(REQUEST_ID, id.clone());
    let method = request.method().as_str().to_owned();
    let path = request.uri().path().to_owned();
    let client = client(&request);
    let span = app
        .tracer
        .as_ref()
        .and_then(|tracer| tracer.begin(request.headers_mut()));
    let matched = request
        .extensions()
        .get::<MatchedPath>()
        .map(|path| path.as_str().to_owned());
    let route = matched.as_deref().unwrap_or("unmatched");

    app.metrics.request_began();
    let in_flight = InFlight(app.clone());
    if app.illness.connection_leak > 0 && path.starts_with("/api/") {
        app.connection_leak
            .grow(app.illness.connection_leak, app.database.config())
            .await;
    }
    let mut response = next.run(request).await;
    drop(in_flight);

    let duration = start.elapsed();
    app.metrics.request(&method, route, response.status(), duration);
    if let Some((span, tracer)) = span.zip(app.tracer.as_ref()) {
        let status = response.status();
        tracer.end(
            span,
            &Answered {
                method: &method,
                path: &path,
                route,
                status,
                client,
                duration,
            },
        );
    }
    info!(
        method,
        path,
        route,
        status = response.status().as_u16(),
        duration_ms = duration.as_secs_f64() * 1000.0,
        client = %client,
        request_id = id.to_str().unwrap_or_default(),
        "request"
    );
    response.headers_mut().insert(REQUEST_ID, id);
    response
}

/// The client's own id if it is harmless, else a new one.
fn request_id(request: &Request) -> HeaderValue {
    let harmless = |value: &&HeaderValue| {
        (1..=64).contains(&value.len())
            && value
                .as_bytes()
                .iter()
                .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(byte))
    };
    request
        .headers()
        .get(REQUEST_ID)
        .filter(harmless)
        .cloned()
        .unwrap_or_else(|| {
            let id = random_hex();
            HeaderValue::try_from(id).expect("hexadecimal digits are a header value")
        })
}

/// 64 random bits.
pub(crate) fn random_hex() -> String {
    let mut bytes = [0; 8];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the system gives random numbers");
    format!("{:016x}", u64::from_be_bytes(bytes))
}

/// Who asks: the address that the nearest proxy added last, or else the peer. Only the ingress can reach this port,
/// so what a client itself wrote into the header stands further left.
pub(crate) fn client(request: &Request) -> IpAddr {
    let forwarded = request.headers().get_all(FORWARDED_FOR).iter().next_back();
    let last = forwarded.and_then(|value| value.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    let peer = || {
        request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|peer| peer.0.ip())
    };
    last.or_else(peer).unwrap_or(Ipv4Addr::UNSPECIFIED.into())
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn with_header(name: HeaderName, value: &str) -> Request {
        Request::builder().header(name, value).body(Body::empty()).unwrap()
    }

    #[test]
    fn the_nearest_proxy_s_word_on_the_client_counts() {
        let request = with_header(FORWARDED_FOR, "1.2.3.4, 10.0.0.9");
        assert_eq!(client(&request), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 9)));
    }

    #[test]
    fn a_request_id_is_kept_only_if_it_is_harmless() {
        assert_eq!(request_id(&with_header(REQUEST_ID, "trace-1")), "trace-1");
        for hostile in ["a b", "\"", &"x".repeat(65)] {
            assert_eq!(request_id(&with_header(REQUEST_ID, hostile)).len(), 16, "{hostile}");
        }
    }
}
