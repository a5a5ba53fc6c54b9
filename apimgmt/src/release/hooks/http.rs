//! An HTTP call from this machine.

use std::time::Duration;

use reqwest::{
    Client, Method,
    header::{HeaderMap, HeaderName, HeaderValue},
    redirect::Policy,
};

use super::{HttpHook, Output};

pub(super) async fn run(hook: &HttpHook, output: &Output<'_>) -> Result<(), String> {
    // A reason of the client's may hold the address, and the address a token.
    let wrong = |what: &str, error: reqwest::Error| format!("{what}: {}", error.without_url());
    let method =
        Method::from_bytes(hook.method.as_bytes()).map_err(|_| format!("there is no method `{}`", hook.method))?;
    let client = Client::builder()
        .redirect(Policy::none())
        .connect_timeout(Duration::from_secs(10))
        .build()
        .map_err(|error| wrong("could not begin", error))?;
    let mut headers = HeaderMap::new();
    for (name, value) in &hook.headers {
        let name: HeaderName = name.parse().map_err(|_| format!("`{name}` is no header"))?;
        let mut value = HeaderValue::from_str(value).map_err(|_| format!("the value of header `{name}` is none"))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    let request = client
        .request(method, &hook.url)
        .headers(headers)
        .body(hook.body.clone());
    let answer = request.send().await.map_err(|error| wrong("no answer", error))?;
    let status = answer.status();
    output.line(&format!("answered {status}"));
    let is_right = if hook.status == 0 {
        status.is_success()
    } else {
        status.as_u16() == hook.status
    };
    if is_right {
        Ok(())
    } else {
        Err(format!("{} answered {status}", place(&hook.url)))
    }
}

/// Scheme and host of an address: what follows may be a token.
pub(super) fn place(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}
