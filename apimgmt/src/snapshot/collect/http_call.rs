//! One HTTP GET over any stream: a port-forward, a TLS session, a plain socket.

use bytes::Bytes;
use http::{
    Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, CONNECTION, HOST, HeaderMap, HeaderValue, USER_AGENT},
};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::{api_server::chain, tunnel::Stream};
use crate::snapshot::hostile;

/// An answer with as much of its body as was asked for.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

/// Gets `path` from `host`, and at most `longest` bytes of the body.
///
/// # Errors
/// In words, when there is no answer.
pub(crate) async fn get(stream: Stream, host: &str, path: &str, longest: usize) -> Result<Reply, String> {
    get_as(stream, host, path, None, longest).await
}

/// The same, with an `Authorization`.
///
/// # Errors
/// In words, when there is no answer.
pub(super) async fn get_as(
    stream: Stream,
    host: &str,
    path: &str,
    authorization: Option<&HeaderValue>,
    longest: usize,
) -> Result<Reply, String> {
    let in_words = |error: hyper::Error| hostile::line(&chain(&error));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(in_words)?;
    let mut request = Request::get(path);
    if let Some(value) = authorization {
        request = request.header(AUTHORIZATION, value);
    }
    let request = request
        .header(HOST, host)
        .header(USER_AGENT, "apimgmt")
        .header(ACCEPT, "*/*")
        .header(CONNECTION, "close")
        .body(Empty::<Bytes>::new())
        .map_err(|error| hostile::line(&error.to_string()))?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(in_words)?;
        let (parts, mut incoming) = response.into_parts();
        let mut body = Vec::new();
        while let Some(frame) = incoming.frame().await {
            let Ok(piece) = frame.map_err(in_words)?.into_data() else {
                continue;
            };
            if body.len() + piece.len() > longest {
                break;
            }
            body.extend_from_slice(&piece);
        }
        Ok(Reply {
            status: parts.status,
            headers: parts.headers,
            body,
        })
    };
    // The connection is driven beside the exchange and dropped with it.
    let connection = std::pin::pin!(connection);
    let exchange = std::pin::pin!(exchange);
    match futures::future::select(exchange, connection).await {
        futures::future::Either::Left((reply, _)) => reply,
        futures::future::Either::Right((Err(error), _)) => Err(hostile::line(&chain(&error))),
        futures::future::Either::Right((Ok(()), exchange)) => exchange.await,
    }
}
