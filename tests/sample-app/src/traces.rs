//! Spans of requests: the caller's trace is continued by W3C Trace Context, and spans go to a backend as Zipkin's JSON.
use std::{
    net::IpAddr,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use reqwest::Client;
use serde_json::{Value, json};
use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tracing::warn;

use crate::{dependencies, requests::random_hex};

/// <https://www.w3.org/TR/trace-context/#traceparent-header>
const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");
const SERVICE: &str = "api-management";

/// Spans that wait at most; more are dropped, since answering goes first.
const WAITING: usize = 2048;
/// Spans of one request to the backend.
const BATCH: usize = 200;
/// So long spans are gathered before they are sent.
const GATHERING: Duration = Duration::from_millis(500);
/// Longest time for sending a batch.
const LIMIT: Duration = Duration::from_secs(5);

/// Begins and ends spans; a task of its own sends them.
pub(crate) struct Tracer {
    one_in: u64,
    undecided: AtomicU64,
    queue: mpsc::Sender<Message>,
}

enum Message {
    Span(Value),
    /// Everything before it is to be sent, then this told.
    Flush(oneshot::Sender<()>),
}

/// A span that has begun.
pub(crate) struct Span {
    trace: String,
    id: String,
    parent: Option<String>,
    began: SystemTime,
}

/// How the request of a span went.
pub(crate) struct Answered<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) route: &'a str,
    pub(crate) status: StatusCode,
    pub(crate) client: IpAddr,
    pub(crate) duration: Duration,
}

impl Tracer {
    pub(crate) fn start(endpoint: &str, one_in: u64, client: Client) -> Self {
        let (queue, spans) = mpsc::channel(WAITING);
        tokio::spawn(send(endpoint.to_owned(), client, spans));
        Self {
            one_in,
            undecided: AtomicU64::new(0),
            queue,
        }
    }

    /// Begins a span if the request is sampled, and makes it the parent of what the request leads to.
    pub(crate) fn begin(&self, headers: &mut HeaderMap) -> Option<Span> {
        let context = headers
            .get(TRACEPARENT)
            .and_then(|value| Context::read(value.to_str().ok()?));
        let (trace, parent) = match context {
            Some(context) if context.is_sampled => (context.trace, Some(context.parent)),
            None if self
                .undecided
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(self.one_in) =>
            {
                (random_hex() + &random_hex(), None)
            }
            // What a caller decided against is passed on as it came.
            Some(_) | None => return None,
        };
        let id = random_hex();
        let below =
            HeaderValue::try_from(format!("00-{trace}-{id}-01")).expect("hexadecimal digits are a header value");
        headers.insert(TRACEPARENT, below);
        Some(Span {
            trace,
            id,
            parent,
            began: SystemTime::now(),
        })
    }

    /// Ends a span and leaves it to be sent. The path comes without the query, which may hold a secret.
    pub(crate) fn end(&self, span: Span, answered: &Answered<'_>) {
        // A full queue is the sender's trouble, which it logs.
        let _ = self.queue.try_send(Message::Span(span.told(answered)));
    }

    /// Sends what waits, for at most the time of one batch.
    pub(crate) async fn flush(&self) {
        let (told, sent) = oneshot::channel();
        if self.queue.try_send(Message::Flush(told)).is_ok() {
            let _ = timeout(LIMIT, sent).await;
        }
    }
}

impl Span {
    /// <https://zipkin.io/zipkin-api/#/default/post_spans>
    fn told(self, answered: &Answered<'_>) -> Value {
        let status = answered.status.as_u16().to_string();
        let began = self.began.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut remote = json!({});
        let family = if answered.client.is_ipv4() { "ipv4" } else { "ipv6" };
        remote[family] = json!(answered.client);
        let mut span = json!({
            "traceId": self.trace,
            "id": self.id,
            "kind": "SERVER",
            "name": format!("{} {}", answered.method, answered.route).to_lowercase(),
            "timestamp": microseconds(began),
            // Zero would say that it is not known.
            "duration": microseconds(answered.duration).max(1),
            "localEndpoint": {"serviceName": SERVICE},
            "remoteEndpoint": remote,
            "tags": {"http.method": answered.method, "http.path": answered.path, "http.route": answered.route, "http.status_code": status},
        });
        if let Some(parent) = self.parent {
            span["parentId"] = json!(parent);
        }
        if answered.status.is_server_error() {
            span["tags"]["error"] = json!(status);
        }
        span
    }
}

fn microseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// What a caller says of its trace.
#[derive(Debug, PartialEq)]
struct Context {
    trace: String,
    parent: String,
    is_sampled: bool,
}

impl Context {
    /// Reads a `traceparent` of any version that begins as the first one does; what is malformed counts as absent.
    fn read(text: &str) -> Option<Self> {
        let mut parts = text.split('-');
        let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let is = |text: &str, digits: usize| {
            text.len() == digits && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_id = |text: &str, digits| is(text, digits) && text.bytes().any(|byte| byte != b'0');
        let fits = is(version, 2) && version != "ff" && is_id(trace, 32) && is_id(parent, 16) && is(flags, 2);
        if !fits || (version == "00" && parts.next().is_some()) {
            return None;
        }
        Some(Self {
            trace: trace.to_owned(),
            parent: parent.to_owned(),
            is_sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
        })
    }
}

/// Sends what comes, in batches, until the application is gone.
async fn send(endpoint: String, client: Client, mut queue: mpsc::Receiver<Message>) {
    let mut arrives = true;
    while let Some(first) = queue.recv().await {
        let (mut spans, mut flushed) = (Vec::new(), None);
        let gathering = async {
            let mut next = Some(first);
            while let Some(message) = next {
                match message {
                    Message::Span(span) => spans.push(span),
                    Message::Flush(told) => {
                        flushed = Some(told);
                        break;
                    }
                }
                if spans.len() == BATCH {
                    break;
                }
                next = queue.recv().await;
            }
        };
        // Time that is over ends a batch, too.
        let _ = timeout(GATHERING, gathering).await;
        if !spans.is_empty() {
            let outcome = post(&endpoint, &client, &spans).await;
            if let Err(why) = &outcome
                && arrives
            {
                warn!(
                    endpoint,
                    error = why,
                    spans = spans.len(),
                    "spans can't be sent, and are dropped until they can"
                );
            }
            arrives = outcome.is_ok();
        }
        if let Some(told) = flushed {
            let _ = told.send(());
        }
    }
}

async fn post(endpoint: &str, client: &Client, spans: &[Value]) -> Result<(), String> {
    let describe = |error: reqwest::Error| dependencies::describe(&error.without_url());
    let answer = client
        .post(endpoint)
        .json(spans)
        .timeout(LIMIT)
        .send()
        .await
        .map_err(describe)?;
    answer.error_for_status().map(drop).map_err(describe)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    #[test]
    fn a_caller_s_trace_is_read_and_what_is_malformed_is_not() {
        let context = Context::read(PARENT).unwrap();
        assert_eq!(context.trace, "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.parent, "b7ad6b7169203331");
        assert!(context.is_sampled);
        assert!(!Context::read(&PARENT.replace("-01", "-02")).unwrap().is_sampled);
        // A later version may say more.
        assert!(Context::read(&format!("{}-more", PARENT.replace("00-", "01-"))).is_some());
        for wrong in [
            "",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            &format!("{PARENT}-more"),
            &PARENT.replace("00-", "ff-"),
            &PARENT.to_uppercase(),
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        ] {
            assert_eq!(Context::read(wrong), None, "{wrong}");
        }
    }
}
