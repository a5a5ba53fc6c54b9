//! `sandbox bare`: reads lists and throws the bodies away, the least that any reader of them can do. What `verify` takes
//! is measured against it.
use std::{io::Write, time::Instant};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, TryStreamExt, stream};
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::json;

use crate::{cluster, site::Site};

/// Objects of one page, as the collector asks for them.
const PAGE: usize = 500;

/// What one reading took.
#[derive(Default)]
struct Spent {
    bytes: usize,
    requests: usize,
}

/// Reads the lists at the same time, consistently and as full JSON, and prints what it took.
pub(crate) async fn run(site: &Site, paths: &[String], paged: bool) -> Result<()> {
    let client = cluster::client(site).await?;
    let begun = Instant::now();
    let spent: Vec<Spent> = stream::iter(paths)
        .map(|path| list(&client, path, paged))
        .buffer_unordered(paths.len().max(1))
        .try_collect()
        .await?;
    let told = json!({
        "paged": paged,
        "wallMs": u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX) as f64 / 1000.0,
        "bytes": spent.iter().map(|spent| spent.bytes).sum::<usize>(),
        "requests": spent.iter().map(|spent| spent.requests).sum::<usize>(),
    });
    writeln!(std::io::stdout(), "{told}")?;
    Ok(())
}

async fn list(client: &kube::Client, path: &str, paged: bool) -> Result<Spent> {
    let mut spent = Spent::default();
    let mut token = String::new();
    loop {
        let query = match (paged, token.as_str()) {
            (false, _) => String::new(),
            (true, "") => format!("?limit={PAGE}"),
            (true, token) => format!("?limit={PAGE}&continue={token}"),
        };
        let request = http::Request::get(format!("{path}{query}"))
            .header(http::header::ACCEPT, "application/json")
            .body(Body::empty())?;
        let response = client
            .send(request)
            .await
            .with_context(|| format!("can't read {path}"))?;
        if !response.status().is_success() {
            bail!("can't read {path}: HTTP {}", response.status());
        }
        spent.requests += 1;
        let mut head = Vec::new();
        let mut body = response.into_body().into_data_stream();
        while let Some(piece) = body.next().await {
            let piece = piece.with_context(|| format!("{path} was cut"))?;
            spent.bytes += piece.len();
            // The server writes the list's metadata before its items.
            if head.len() < 4096 {
                head.extend_from_slice(&piece[..piece.len().min(4096)]);
            }
        }
        token = continuation(&String::from_utf8_lossy(&head));
        if !paged || token.is_empty() {
            return Ok(spent);
        }
    }
}

/// The continue token; it needs no escape in a query, being base64 for URLs.
fn continuation(head: &str) -> String {
    let metadata = head.split("\"items\"").next().unwrap_or_default();
    let token = metadata.split_once("\"continue\":\"").map_or("", |(_, rest)| rest);
    token.split('"').next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::continuation;

    #[test]
    fn the_token_stands_before_the_items() {
        assert_eq!(
            continuation(r#"{"metadata":{"resourceVersion":"7","continue":"ab_c-"},"items":[{"#),
            "ab_c-"
        );
        assert_eq!(continuation(r#"{"metadata":{},"items":[{"continue":"x"}"#), "");
    }
}
