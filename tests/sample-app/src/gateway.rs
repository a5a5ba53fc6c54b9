//! Passes `/gateway/<prefix>/…` on to the backend of that prefix.
use std::{net::IpAddr, sync::Arc, time::Duration};

use axum::{
    body::{Body, to_bytes},
    extract::{Path, Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};
use reqwest::{Client, Url};
use tracing::warn;

use crate::{
    app::App,
    dependencies,
    problem::Problem,
    requests::{self, FORWARDED_FOR},
    settings::BackendRoute,
};

const LIMIT: Duration = Duration::from_secs(30);
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");

/// Headers that belong to one connection and are never passed on.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The backends and the client that reaches them.
pub(crate) struct Gateway {
    routes: Vec<BackendRoute>,
    client: Client,
}

impl Gateway {
    pub(crate) fn new(routes: Vec<BackendRoute>, client: Client) -> Self {
        Self { routes, client }
    }

    fn target(&self, prefix: &str, uri: &Uri) -> Result<Url, Problem> {
        let route = self
            .routes
            .iter()
            .find(|route| route.prefix == prefix)
            .ok_or_else(|| Problem::not_found(format!("no backend `{prefix}`")))?;
        target(route, uri).ok_or_else(|| Problem::new(StatusCode::BAD_REQUEST, "the path leaves the backend's"))
    }
}

/// The backend's URL for a request: its base, what follows the prefix as it was written, and the query.
fn target(route: &BackendRoute, uri: &Uri) -> Option<Url> {
    let rest = uri
        .path()
        .strip_prefix("/gateway/")?
        .strip_prefix(route.prefix.as_str())?;
    let base = route.base.path().trim_end_matches('/');
    let mut url = route.base.clone();
    url.set_path(&format!("{base}{rest}"));
    url.set_query(uri.query());
    // Dots, also percent-encoded ones, are resolved by now; they must not lead out of the base.
    let inside = url
        .path()
        .strip_prefix(base)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    inside.then_some(url)
}

/// `/gateway/{prefix}` and everything below, any method.
pub(crate) async fn pass(
    State(app): State<Arc<App>>,
    Path(segments): Path<Vec<(String, String)>>,
    request: Request,
) -> Result<Response, Problem> {
    let prefix = segments.first().map_or("", |(_, prefix)| prefix);
    let url = app.gateway.target(prefix, request.uri())?;
    let client = requests::client(&request);
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, app.max_body_bytes)
        .await
        .map_err(|_| Problem::too_large(app.max_body_bytes))?;
    let sent = app
        .gateway
        .client
        .request(parts.method, url)
        .headers(forwarded(parts.headers, client))
        .timeout(LIMIT)
        .body(body)
        .send()
        .await;
    let answer = sent.map_err(|error| {
        warn!(
            backend = prefix,
            error = dependencies::describe(&error.without_url()),
            "backend can't be used"
        );
        Problem::new(StatusCode::BAD_GATEWAY, format!("backend `{prefix}` can't be used now"))
    })?;
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    Ok((status, headers, Body::from_stream(answer.bytes_stream())).into_response())
}

fn forwarded(mut headers: HeaderMap, client: IpAddr) -> HeaderMap {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove(header::CONTENT_LENGTH);
    if let Some(host) = headers.remove(header::HOST) {
        headers.entry(FORWARDED_HOST).or_insert(host);
    }
    headers
        .entry(FORWARDED_PROTO)
        .or_insert(HeaderValue::from_static("http"));
    let client = HeaderValue::try_from(client.to_string()).expect("an address is a header value");
    headers.insert(FORWARDED_FOR, client);
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to(path: &'static str) -> Option<String> {
        let route: BackendRoute = "orders=http://orders:8080/v2".parse().unwrap();
        target(&route, &Uri::from_static(path)).map(Url::into)
    }

    #[test]
    fn the_prefix_is_replaced_by_the_base() {
        assert_eq!(to("/gateway/orders").unwrap(), "http://orders:8080/v2");
        assert_eq!(
            to("/gateway/orders/a%2Fb?c=d").unwrap(),
            "http://orders:8080/v2/a%2Fb?c=d"
        );
    }

    #[test]
    fn no_path_leads_out_of_the_base() {
        assert_eq!(to("/gateway/orders/../admin"), None);
        assert_eq!(to("/gateway/orders/%2e%2e/admin"), None);
        assert_eq!(to("/gateway/orders/a/../b").unwrap(), "http://orders:8080/v2/b");
    }

    #[test]
    fn headers_of_one_connection_stay_here() {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        headers.insert(header::HOST, HeaderValue::from_static("gateway.test"));
        headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
        let headers = forwarded(headers, IpAddr::from([10, 0, 0, 9]));
        assert_eq!(headers.get(header::CONNECTION), None);
        assert_eq!(headers[FORWARDED_HOST], "gateway.test");
        assert_eq!(headers[FORWARDED_FOR], "10.0.0.9");
        assert_eq!(headers[header::ACCEPT], "*/*");
    }
}
