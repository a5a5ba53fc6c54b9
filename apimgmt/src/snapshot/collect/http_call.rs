//! HTTP GETs over any stream: a port-forward, a TLS session, a plain socket.

use bytes::Bytes;
use http::{
    Request, StatusCode,
    header::{ACCEPT, AUTHORIZATION, HOST, HeaderMap, HeaderValue, USER_AGENT},
};
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::task::AbortHandle;

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
    Conversation::begin(stream).await?.get(host, path, None, longest).await
}

/// A connection over which one question is asked after the other.
pub(super) struct Conversation {
    sender: SendRequest<Empty<Bytes>>,
    connection: AbortHandle,
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

impl Conversation {
    /// Begins one over a stream.
    ///
    /// # Errors
    /// In words, when the stream has ended.
    pub(super) async fn begin(stream: Stream) -> Result<Self, String> {
        let (sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| in_words(&error))?;
        let connection = tokio::spawn(async move {
            let _ = connection.await;
        });
        Ok(Self {
            sender,
            connection: connection.abort_handle(),
        })
    }

    /// Whether the server has ended it, or an answer was not read to its end.
    pub(super) fn is_over(&self) -> bool {
        self.sender.is_closed()
    }

    /// Gets `path` from `host`, and at most `longest` bytes of the body.
    ///
    /// # Errors
    /// In words, when there is no answer.
    pub(super) async fn get(
        &mut self,
        host: &str,
        path: &str,
        authorization: Option<&HeaderValue>,
        longest: usize,
    ) -> Result<Reply, String> {
        let mut request = Request::get(path);
        if let Some(value) = authorization {
            request = request.header(AUTHORIZATION, value);
        }
        let request = request
            .header(HOST, host)
            .header(USER_AGENT, "apimgmt")
            .header(ACCEPT, "*/*")
            .body(Empty::<Bytes>::new())
            .map_err(|error| hostile::line(&error.to_string()))?;
        self.sender.ready().await.map_err(|error| in_words(&error))?;
        let response = self
            .sender
            .send_request(request)
            .await
            .map_err(|error| in_words(&error))?;
        let (parts, mut incoming) = response.into_parts();
        let mut body = Vec::new();
        while let Some(frame) = incoming.frame().await {
            let Ok(piece) = frame.map_err(|error| in_words(&error))?.into_data() else {
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
    }
}

fn in_words(error: &hyper::Error) -> String {
    hostile::line(&chain(error))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::Conversation;

    /// A server that answers so many requests with their own path, and then hangs up.
    fn answering(times: usize) -> DuplexStream {
        let (here, mut there) = duplex(4096);
        tokio::spawn(async move {
            for _ in 0..times {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    request.push(there.read_u8().await.unwrap());
                }
                let request = String::from_utf8(request).unwrap();
                let path = request.split(' ').nth(1).unwrap();
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{path}", path.len());
                there.write_all(answer.as_bytes()).await.unwrap();
            }
        });
        here
    }

    #[tokio::test]
    async fn questions_follow_each_other_until_the_server_hangs_up() {
        let mut conversation = Conversation::begin(Box::new(answering(2))).await.unwrap();
        for path in ["/one", "/two"] {
            let reply = conversation.get("host", path, None, 100).await.unwrap();
            assert_eq!((reply.status.as_u16(), reply.body.as_slice()), (200, path.as_bytes()));
        }
        assert!(conversation.get("host", "/three", None, 100).await.is_err());
        assert!(conversation.is_over());
    }

    #[tokio::test]
    async fn what_was_not_read_of_an_answer_is_no_part_of_the_next() {
        let mut conversation = Conversation::begin(Box::new(answering(2))).await.unwrap();
        let reply = conversation.get("host", "/a-long-path", None, 4).await.unwrap();
        assert!(reply.body.len() <= 4);
        if let Ok(reply) = conversation.get("host", "/next", None, 100).await {
            assert_eq!(reply.body, b"/next");
        }
    }
}
