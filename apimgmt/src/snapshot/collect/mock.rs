//! An API server for tests that answers as a function says, and remembers what it was asked.

use std::{
    io,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures::stream;
use http::{Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::UnsyncBoxBody};
use kube::{Client, client::Body};
use serde_json::{Value, json};

use super::{Limits, collect};
use crate::{
    Error,
    snapshot::{Snapshot, Source},
};

type MockBody = UnsyncBoxBody<Bytes, io::Error>;

/// How one request is answered.
pub(super) enum Reply {
    /// A status and an object.
    Json(u16, Value),
    /// Text, as logs and readiness are.
    Text(u16, String),
    /// A status with `Retry-After`, in seconds.
    Later(u16, u64),
    /// A good status, these bytes, and then the connection is cut.
    Cut(String),
    /// Nothing, ever.
    Silence,
    /// No connection.
    Refused,
}

pub(super) fn ok(object: Value) -> Reply {
    Reply::Json(200, object)
}

pub(super) fn status(code: u16, message: &str) -> Reply {
    Reply::Json(
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "message": message, "code": code}),
    )
}

pub(super) fn list(items: impl IntoIterator<Item = Value>, token: &str) -> Reply {
    let items: Vec<_> = items.into_iter().collect();
    ok(
        json!({"kind": "List", "apiVersion": "v1", "metadata": {"resourceVersion": "7", "continue": token}, "items": items}),
    )
}

/// Collects sources from a server that answers as `answer` says for a path and the number of times it was asked before.
pub(super) async fn collected(
    sources: &[Source],
    limits: Limits,
    answer: impl Fn(&str, usize) -> Reply + Send + 'static,
) -> (Result<Snapshot, Error>, Vec<String>) {
    let (service, mut handle) = tower_test::mock::pair::<Request<Body>, Response<MockBody>>();
    let asked = Arc::new(Mutex::new(Vec::<String>::new()));
    let log = asked.clone();
    let server = tokio::spawn(async move {
        let mut silent = Vec::new();
        while let Some((request, send)) = handle.next_request().await {
            let path = request.uri().path_and_query().unwrap().to_string();
            let before = log.lock().unwrap().iter().filter(|known| **known == path).count();
            log.lock().unwrap().push(path.clone());
            let body = |text: String| {
                Full::new(Bytes::from(text))
                    .map_err(|never| match never {})
                    .boxed_unsync()
            };
            let made = |code: u16, body: MockBody| Response::builder().status(code).body(body).unwrap();
            match answer(&path, before) {
                Reply::Json(code, object) => send.send_response(made(code, body(object.to_string()))),
                Reply::Text(code, text) => send.send_response(made(code, body(text))),
                Reply::Later(code, seconds) => {
                    let mut response = made(code, body(String::new()));
                    response.headers_mut().insert("retry-after", seconds.into());
                    send.send_response(response);
                }
                Reply::Cut(text) => {
                    let frames = [
                        Ok(Frame::data(Bytes::from(text))),
                        Err(io::ErrorKind::ConnectionReset.into()),
                    ];
                    send.send_response(made(200, StreamBody::new(stream::iter(frames)).boxed_unsync()));
                }
                Reply::Silence => silent.push(send),
                Reply::Refused => send.send_error(io::Error::from(io::ErrorKind::ConnectionRefused)),
            }
        }
    });
    let request = super::Request {
        namespace: "shop".into(),
        sources: sources.iter().copied().collect(),
        context: "test".into(),
        server: "https://cluster.test".into(),
        limits,
        config: None,
    };
    let client = Client::new(service, "default");
    let result = tokio::time::timeout(Duration::from_secs(20), collect(client, request)).await;
    server.abort();
    let asked = asked.lock().unwrap().clone();
    (result.expect("collecting must end by its own deadline"), asked)
}
