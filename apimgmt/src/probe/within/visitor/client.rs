//! HTTP as a visitor of the platform speaks it: over TLS that is verified, to where names resolve or are declared to be.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc, time::Duration};

use bytes::Bytes;
use futures::stream;
use http::{
    HeaderMap, Method, Request, Response, StatusCode, Uri,
    header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue, USER_AGENT},
};
use http_body_util::{BodyExt, Empty, Full, StreamBody, combinators::UnsyncBoxBody};
use hyper::{
    body::{Frame, Incoming},
    client::conn::http1::{self, SendRequest},
};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, crypto::ring, pki_types::ServerName};
use sha2::{Digest, Sha256};
use tokio::{net::TcpStream, time::timeout};
use tokio_rustls::TlsConnector;

use crate::snapshot::{
    collect::{Stream, authorities, chain, connect_error},
    hostile,
};

/// Longest time for one call whose body is small.
pub(crate) const PATIENCE: Duration = Duration::from_secs(8);
/// Longest time until a connection is there, with its handshake.
const CONNECTING: Duration = Duration::from_secs(5);
/// So much of an answer is kept; the rest is only counted.
const KEPT: usize = 256 << 10;
/// A piece of a body that is made up.
const PIECE: usize = 64 << 10;

type Content = UnsyncBoxBody<Bytes, Infallible>;

/// What is sent.
#[derive(Clone)]
pub(crate) enum Body {
    Empty,
    Bytes(Vec<u8>),
    /// So many bytes that are made up on the way, always the same for a seed.
    Pattern {
        seed: u64,
        bytes: u64,
    },
    /// So many bytes are announced, and only a few are sent: a server that looks at the announcement answers now.
    Announced(u64),
}

/// A call.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) method: String,
    pub(crate) url: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
    pub(crate) patience: Duration,
}

impl Call {
    pub(crate) fn get(url: impl Into<String>) -> Self {
        Self {
            method: "GET".into(),
            url: url.into(),
            headers: Vec::new(),
            body: Body::Empty,
            patience: PATIENCE,
        }
    }

    pub(crate) fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Carries a token.
    pub(crate) fn bearing(self, token: Option<&str>) -> Self {
        match token {
            Some(token) => self.header("authorization", format!("Bearer {token}")),
            None => self,
        }
    }
}

/// An answer.
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// Its beginning.
    pub(crate) body: Vec<u8>,
    /// Length of all of it.
    pub(crate) bytes: u64,
    /// Digest of all of it.
    pub(crate) sha256: [u8; 32],
}

impl Reply {
    /// Whether it says that the caller may not.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self.status.as_u16(), 401 | 403)
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// Makes calls.
pub(crate) struct Client {
    tls: Arc<ClientConfig>,
    /// `HOST:PORT` to connect to instead, by host.
    instead: BTreeMap<String, String>,
}

impl Client {
    /// A client that trusts the system's authorities and those of a PEM text.
    pub(crate) fn new(authority: &str, instead: BTreeMap<String, String>) -> Result<Self, String> {
        let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?;
        let mut config = config
            .with_root_certificates(authorities(authority))
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Self {
            tls: Arc::new(config),
            instead,
        })
    }

    /// Makes one call on a connection of its own.
    ///
    /// # Errors
    /// In words, when there is no answer.
    pub(crate) async fn call(&self, call: Call) -> Result<Reply, String> {
        let patience = call.patience;
        let exchange = async {
            let mut connection = self.connect(&call.url).await?;
            connection.call(&call).await
        };
        timeout(patience, exchange)
            .await
            .map_err(|_| format!("no answer within {} s", patience.as_secs()))?
    }

    /// Opens a connection that several calls may use, one after the other.
    pub(crate) async fn connect(&self, url: &str) -> Result<Connection, String> {
        let Target { secure, host, port, .. } = Target::of(url)?;
        let address = self
            .instead
            .get(&host)
            .cloned()
            .unwrap_or_else(|| format!("{host}:{port}"));
        let open = async {
            let socket = TcpStream::connect(&address)
                .await
                .map_err(|error| format!("{address}: {}", connect_error(&error)))?;
            let _ = socket.set_nodelay(true);
            if !secure {
                return Ok(Box::new(socket) as Stream);
            }
            let name = ServerName::try_from(host.clone()).map_err(|error| error.to_string())?;
            let stream = TlsConnector::from(self.tls.clone())
                .connect(name, socket)
                .await
                .map_err(|error| {
                    format!(
                        "{host}: the TLS handshake failed: {}",
                        hostile::line(&error.to_string())
                    )
                })?;
            Ok::<_, String>(Box::new(stream) as Stream)
        };
        let stream = timeout(CONNECTING, open)
            .await
            .map_err(|_| format!("{address}: no answer in time"))??;
        let (sender, driver) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| hostile::line(&chain(&error)))?;
        // It ends with the sender.
        tokio::spawn(driver);
        Ok(Connection { sender })
    }
}

/// An open connection.
pub(crate) struct Connection {
    sender: SendRequest<Content>,
}

impl Connection {
    /// Makes one call on it.
    pub(crate) async fn call(&mut self, call: &Call) -> Result<Reply, String> {
        let in_words = |error: hyper::Error| hostile::line(&chain(&error));
        self.sender.ready().await.map_err(in_words)?;
        let response = self.sender.send_request(request(call)?).await.map_err(in_words)?;
        receive(response).await.map_err(in_words)
    }
}

/// The parts of a URL.
pub(crate) struct Target {
    secure: bool,
    pub(crate) host: String,
    port: u16,
    authority: String,
    path: String,
}

impl Target {
    pub(crate) fn of(url: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no URL", hostile::capped(url, 100));
        let uri: Uri = url.parse().map_err(|_| wrong())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        let host = uri.host().ok_or_else(wrong)?.to_owned();
        let port = uri.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let authority = uri
            .port_u16()
            .map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        let path = uri.path_and_query().map_or_else(|| "/".into(), ToString::to_string);
        Ok(Self {
            secure,
            host,
            port,
            authority,
            path,
        })
    }
}

fn request(call: &Call) -> Result<Request<Content>, String> {
    let target = Target::of(&call.url)?;
    let (content, length) = content(&call.body);
    let method: Method = call
        .method
        .parse()
        .map_err(|_| format!("`{}` is no method", call.method))?;
    let mut request = Request::builder()
        .method(method)
        .uri(&target.path)
        .header(HOST, &target.authority)
        .header(USER_AGENT, "apimgmt");
    if let Some(length) = length {
        request = request.header(CONTENT_LENGTH, length);
    }
    for (name, value) in &call.headers {
        let name: HeaderName = name.parse().map_err(|_| format!("`{name}` is no header"))?;
        // The value may be a token: it is not shown.
        let mut value = HeaderValue::from_str(value).map_err(|_| format!("the value of `{name}` is no header's"))?;
        value.set_sensitive(true);
        request = request.header(name, value);
    }
    request.body(content).map_err(|error| error.to_string())
}

fn content(body: &Body) -> (Content, Option<u64>) {
    match body {
        Body::Empty => (Empty::new().boxed_unsync(), None),
        Body::Bytes(bytes) => (
            Full::new(Bytes::from(bytes.clone())).boxed_unsync(),
            Some(bytes.len() as u64),
        ),
        Body::Pattern { seed, bytes } => {
            let pieces = Pattern::new(*seed, *bytes).map(|piece| Ok(Frame::data(piece)));
            (StreamBody::new(stream::iter(pieces)).boxed_unsync(), Some(*bytes))
        }
        Body::Announced(bytes) => {
            use futures::StreamExt;
            let first = stream::iter([Ok(Frame::data(Bytes::from_static(&[b' '; 512])))]);
            (
                StreamBody::new(first.chain(stream::pending())).boxed_unsync(),
                Some(*bytes),
            )
        }
    }
}

/// Bytes that no compression shrinks, made up piece by piece: xorshift64 (Marsaglia 2003).
pub(crate) struct Pattern {
    state: u64,
    left: u64,
}

impl Pattern {
    pub(crate) fn new(seed: u64, bytes: u64) -> Self {
        Self {
            state: seed | 1,
            left: bytes,
        }
    }
}

impl Iterator for Pattern {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if self.left == 0 {
            return None;
        }
        let length = usize::try_from(self.left).map_or(PIECE, |left| left.min(PIECE));
        let mut piece = Vec::with_capacity(length + 8);
        while piece.len() < length {
            self.state ^= self.state << 13;
            self.state ^= self.state >> 7;
            self.state ^= self.state << 17;
            piece.extend_from_slice(&self.state.to_le_bytes());
        }
        piece.truncate(length);
        self.left -= length as u64;
        Some(Bytes::from(piece))
    }
}

async fn receive(response: Response<Incoming>) -> Result<Reply, hyper::Error> {
    let (parts, mut incoming) = response.into_parts();
    let (mut body, mut bytes, mut digest) = (Vec::new(), 0, Sha256::new());
    while let Some(frame) = incoming.frame().await {
        let Ok(piece) = frame?.into_data() else {
            continue;
        };
        bytes += piece.len() as u64;
        digest.update(&piece);
        let room = KEPT.saturating_sub(body.len()).min(piece.len());
        body.extend_from_slice(&piece[..room]);
    }
    Ok(Reply {
        status: parts.status,
        headers: parts.headers,
        body,
        bytes,
        sha256: digest.finalize().into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_as_long_as_asked_and_the_same_again() {
        let digest = |seed| {
            Pattern::new(seed, 200_001)
                .fold(Sha256::new(), |digest, piece| digest.chain_update(&piece))
                .finalize()
        };
        assert_eq!(
            Pattern::new(7, 200_001).map(|piece| piece.len()).sum::<usize>(),
            200_001
        );
        assert_eq!(digest(7), digest(7));
        assert_ne!(digest(7), digest(8));
    }

    #[test]
    fn only_whole_urls_are_called() {
        let target = Target::of("https://a.test:8443/x?y=1").unwrap();
        assert_eq!(
            (
                target.host.as_str(),
                target.port,
                target.authority.as_str(),
                target.path.as_str()
            ),
            ("a.test", 8443, "a.test:8443", "/x?y=1")
        );
        for wrong in ["/x", "ftp://a/x", "https://", "https://a b/"] {
            assert!(Target::of(wrong).is_err(), "{wrong}");
        }
    }
}
