//! The one door to the API server: a bounded number of requests in flight, one deadline, one count, and retries
//! where the server asks for them.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderMap, StatusCode,
    header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER},
};
use http_body_util::BodyExt;
use kube::{Client, client::Body};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep, timeout_at},
};

use super::{encoded_objects::PROTOBUF, list::Encoding, trouble::Trouble};
use crate::snapshot::{Why, hostile};

/// Requests that may be in flight at once.
const IN_FLIGHT: usize = 16;
/// Tries of a request that the server fails without saying when to come again.
const TRIES: u32 = 4;
/// The first pause between two tries; it doubles.
const PAUSE: Duration = Duration::from_millis(100);
/// Longest answer that is read whole.
const LONGEST: usize = 4 << 20;

/// Plain JSON.
pub(super) const JSON: &str = "application/json";

/// Reads of one run.
pub(super) struct ApiServer {
    pub(super) client: Client,
    /// Whose door it is, for messages: URL and context.
    pub(super) server: String,
    pub(super) context: String,
    pub(super) deadline: Instant,
    slots: Semaphore,
    left: AtomicUsize,
    requests: AtomicU64,
    bytes: AtomicU64,
    answered: AtomicBool,
}

/// How long to go on trying.
#[derive(Default)]
pub(super) struct Patience {
    tries: u32,
}

impl Patience {
    /// The pause before the next try; `None` when there have been enough. A pause that the server names is always kept.
    pub(super) fn next(&mut self, named: Option<Duration>) -> Option<Duration> {
        self.tries += 1;
        named.or_else(|| (self.tries < TRIES).then(|| PAUSE * 2_u32.pow(self.tries - 1)))
    }
}

/// The body of an answer, read piece by piece; holds its place among the requests in flight.
pub(super) struct Answer<'a> {
    /// How the body is encoded.
    pub(super) encoding: Encoding,
    body: Body,
    api: &'a ApiServer,
    _place: SemaphorePermit<'a>,
}

impl Answer<'_> {
    /// The next piece; `None` at the end.
    pub(super) async fn piece(&mut self) -> Result<Option<Bytes>, Trouble> {
        loop {
            match timeout_at(self.api.deadline, self.body.frame()).await {
                Err(_) => return Err(Trouble::Unreadable(Why::Timeout)),
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(Trouble::Cut(hostile::line(&chain(&error)))),
                Ok(Some(Ok(frame))) => {
                    if let Ok(piece) = frame.into_data() {
                        self.api.count_bytes(piece.len());
                        return Ok(Some(piece));
                    }
                }
            }
        }
    }

    /// All of it, when it is not longer than an object can be.
    pub(super) async fn whole(mut self) -> Result<Vec<u8>, Trouble> {
        let mut whole = Vec::new();
        while let Some(piece) = self.piece().await? {
            if whole.len() + piece.len() > LONGEST {
                return Err(Trouble::failed("the answer is longer than an object can be"));
            }
            whole.extend_from_slice(&piece);
        }
        Ok(whole)
    }
}

impl ApiServer {
    pub(super) fn new(client: Client, server: &str, context: &str, limits: super::Limits) -> Self {
        Self {
            client,
            server: server.into(),
            context: context.into(),
            deadline: Instant::now() + limits.deadline,
            slots: Semaphore::new(IN_FLIGHT),
            left: AtomicUsize::new(limits.max_requests),
            requests: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            answered: AtomicBool::new(false),
        }
    }

    /// Requests made and bytes read so far.
    pub(super) fn spent(&self) -> (u64, u64) {
        (
            self.requests.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }

    pub(super) fn count_bytes(&self, bytes: usize) {
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Takes one request out of the budget, and a place among those in flight.
    pub(super) async fn place(&self) -> Result<SemaphorePermit<'_>, Trouble> {
        let place = timeout_at(self.deadline, self.slots.acquire())
            .await
            .map_err(|_| Trouble::Unreadable(Why::Timeout))?
            .map_err(|_| Trouble::Unreadable(Why::Budget))?;
        self.left
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1))
            .map_err(|_| Trouble::Unreadable(Why::Budget))?;
        self.requests.fetch_add(1, Ordering::Relaxed);
        Ok(place)
    }

    /// One GET without retries, whatever its status.
    pub(super) async fn get_once(
        &self,
        path: &str,
        accept: &str,
    ) -> Result<(StatusCode, HeaderMap, Answer<'_>), Trouble> {
        let request = http::Request::get(path)
            .header(ACCEPT, accept)
            .body(Body::empty())
            .map_err(|error| Trouble::failed(error.to_string()))?;
        self.send_once(request).await
    }

    /// One request without retries, whatever its status.
    pub(super) async fn send_once(
        &self,
        request: http::Request<Body>,
    ) -> Result<(StatusCode, HeaderMap, Answer<'_>), Trouble> {
        let place = self.place().await?;
        match timeout_at(self.deadline, self.client.send(request)).await {
            Err(_) if self.answered.load(Ordering::Relaxed) => Err(Trouble::Unreadable(Why::Timeout)),
            Err(_) => Err(Trouble::silent(&self.server)),
            Ok(Err(error)) if self.answered.load(Ordering::Relaxed) => Err(Trouble::Cut(hostile::line(&chain(&error)))),
            Ok(Err(error)) => Err(Trouble::unreachable(&self.server, &self.context, &error)),
            Ok(Ok(response)) => {
                self.answered.store(true, Ordering::Relaxed);
                let (parts, body) = response.into_parts();
                if parts.status == StatusCode::UNAUTHORIZED {
                    return Err(Trouble::unauthorized(&self.server, &self.context));
                }
                let named = parts.headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes);
                let is_protobuf = named.is_some_and(|name| name.starts_with(PROTOBUF.as_bytes()));
                let answer = Answer {
                    encoding: if is_protobuf {
                        Encoding::Protobuf
                    } else {
                        Encoding::Json
                    },
                    body,
                    api: self,
                    _place: place,
                };
                Ok((parts.status, parts.headers, answer))
            }
        }
    }

    /// A GET that succeeds, tried again within the deadline when the server is busy or hangs up.
    pub(super) async fn get(&self, path: &str, accept: &str) -> Result<Answer<'_>, Trouble> {
        let mut patience = Patience::default();
        loop {
            let (named, trouble) = match self.get_once(path, accept).await {
                Err(cut @ Trouble::Cut(_)) => (None, cut),
                Err(trouble) => return Err(trouble),
                Ok((status, headers, answer)) => match status {
                    StatusCode::OK => return Ok(answer),
                    StatusCode::FORBIDDEN => return Err(Trouble::Unreadable(Why::Forbidden)),
                    StatusCode::NOT_FOUND => return Err(Trouble::Absent),
                    StatusCode::GONE => return Err(Trouble::Expired),
                    _ => {
                        let message = words_of(status, answer).await;
                        if status != StatusCode::TOO_MANY_REQUESTS && !status.is_server_error() {
                            return Err(Trouble::failed(message));
                        }
                        (retry_after(&headers), Trouble::failed(message))
                    }
                },
            };
            self.pause(&mut patience, named, trouble).await?;
        }
    }

    /// Waits before the next try, or gives up with `trouble`.
    pub(super) async fn pause(
        &self,
        patience: &mut Patience,
        named: Option<Duration>,
        trouble: Trouble,
    ) -> Result<(), Trouble> {
        match patience.next(named) {
            Some(pause) if Instant::now() + pause < self.deadline => {
                sleep(pause).await;
                Ok(())
            }
            _ => Err(trouble),
        }
    }

    /// One object, whole; `None` when it does not exist.
    pub(super) async fn object<T: DeserializeOwned>(&self, path: &str) -> Result<Option<T>, Trouble> {
        let mut patience = Patience::default();
        loop {
            let read = match self.get(path, JSON).await {
                Err(Trouble::Absent) => return Ok(None),
                Err(trouble) => return Err(trouble),
                Ok(answer) => answer.whole().await,
            };
            match read {
                Ok(bytes) => {
                    return serde_json::from_slice(&bytes)
                        .map(Some)
                        .map_err(|error| Trouble::misfit(&error));
                }
                Err(cut @ Trouble::Cut(_)) => self.pause(&mut patience, None, cut).await?,
                Err(trouble) => return Err(trouble),
            }
        }
    }
}

/// The pause that the server names, in seconds.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

/// What the server says of a failure.
async fn words_of(status: StatusCode, answer: Answer<'_>) -> String {
    #[derive(Deserialize)]
    struct Words {
        message: String,
    }
    let body = answer.whole().await.unwrap_or_default();
    let words = serde_json::from_slice(&body).map_or_else(
        |_| String::from_utf8_lossy(&body).into_owned(),
        |Words { message }| message,
    );
    let words = hostile::line(words.trim());
    if words.is_empty() {
        format!("HTTP {status}")
    } else {
        format!("HTTP {}: {words}", status.as_u16())
    }
}

/// An error with its reasons in one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut reason = error.source();
    while let Some(next) = reason {
        let words = next.to_string();
        if !text.contains(&words) {
            text = format!("{text}: {words}");
        }
        reason = next.source();
    }
    text
}
