//! One HTTP request over a plain connection, with the answer's beginning.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::SETTLING;

/// Longest time for one request.
const LONGEST: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const LARGEST: usize = 4 << 20;

/// A request.
pub(super) struct Ask<'a> {
    /// `HOST:PORT`
    pub(super) address: &'a str,
    pub(super) method: &'a Method,
    pub(super) path: &'a str,
    pub(super) headers: &'a [(&'static str, &'a str)],
    pub(super) body: &'a str,
}

/// Asks the server at `HOST:PORT`, without headers of its own.
///
/// # Errors
/// In words, when there is no answer.
pub(super) async fn ask(
    address: &str,
    method: &Method,
    path: &str,
    body: &str,
) -> Result<(StatusCode, String), String> {
    let headers = &[];
    ask_with(&Ask {
        address,
        method,
        path,
        headers,
        body,
    })
    .await
}

/// Asks a server. A new pod may be refused for a moment.
///
/// # Errors
/// In words, when there is no answer.
pub(super) async fn ask_with(ask: &Ask<'_>) -> Result<(StatusCode, String), String> {
    let address = ask.address;
    let began = Instant::now();
    loop {
        let once = tokio::time::timeout(LONGEST, once(ask)).await;
        match once.unwrap_or_else(|_| Err(Failure::Connecting(format!("no answer within {} s", LONGEST.as_secs())))) {
            Ok(answer) => return Ok(answer),
            Err(Failure::Connecting(why)) if began.elapsed() > SETTLING => return Err(format!("{address}: {why}")),
            Err(Failure::Connecting(_)) => tokio::time::sleep(Duration::from_millis(200)).await,
            Err(Failure::Speaking(why)) => return Err(format!("{address}: {why}")),
        }
    }
}

enum Failure {
    /// Trying again may help.
    Connecting(String),
    Speaking(String),
}

async fn once(ask: &Ask<'_>) -> Result<(StatusCode, String), Failure> {
    let speaking = |error: &dyn std::fmt::Display| Failure::Speaking(error.to_string());
    let stream = TcpStream::connect(ask.address)
        .await
        .map_err(|error| Failure::Connecting(error.to_string()))?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| speaking(&error))?;
    let driver = tokio::spawn(connection);
    let mut request = Request::builder().method(ask.method).uri(ask.path);
    for (name, value) in ask.headers {
        request = request.header(*name, *value);
    }
    let request = request
        .header("host", ask.address)
        .header("user-agent", "apimgmt")
        .header("content-type", "application/json")
        .header("connection", "close")
        .body(Full::new(Bytes::copy_from_slice(ask.body.as_bytes())))
        .map_err(|error| speaking(&error))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(|error| speaking(&error))?;
        let status = response.status();
        let mut incoming = response.into_body();
        let mut text = Vec::new();
        while let Some(frame) = incoming.frame().await {
            let Ok(piece) = frame.map_err(|error| speaking(&error))?.into_data() else {
                continue;
            };
            if text.len() + piece.len() > LARGEST {
                return Err(Failure::Speaking(format!("its answer is larger than {LARGEST} bytes")));
            }
            text.extend_from_slice(&piece);
        }
        Ok((status, String::from_utf8_lossy(&text).into_owned()))
    }
    .await;
    driver.abort();
    answer
}
