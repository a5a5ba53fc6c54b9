//! Streams to servers: by port-forward through the API server, or direct.

use std::time::Duration;

use futures::{FutureExt, future::BoxFuture};
use k8s_openapi::api::core::v1::Pod;
use kube::{Api, api::Portforwarder};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    time::{Instant, timeout, timeout_at},
};

use super::{Run, api_server::chain, reach::Reach, trouble::Trouble};
use crate::snapshot::{Why, hostile};

/// Longest time until a stream is there.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the node's word on a refused port is waited for once the stream has ended.
const LAST_WORD: Duration = Duration::from_millis(500);

/// A stream of any kind.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}
/// A boxed stream: which kind it is matters to nobody.
pub(crate) type Stream = Box<dyn Duplex>;

/// A way to a server that is open.
pub(crate) struct Tunnel {
    stream: Option<Stream>,
    refusal: BoxFuture<'static, Option<String>>,
    forwarder: Option<Portforwarder>,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        if let Some(forwarder) = &self.forwarder {
            forwarder.abort();
        }
    }
}

impl Tunnel {
    /// The stream; `None` once it has been taken.
    pub(crate) fn stream(&mut self) -> Option<Stream> {
        self.stream.take()
    }

    /// Why the node could not connect to the port, in words, when that is what ended the stream.
    pub(crate) async fn refusal(&mut self) -> Option<String> {
        let words = timeout(LAST_WORD, &mut self.refusal).await.ok().flatten()?;
        self.refusal = async { None }.boxed();
        Some(reason(&words)).filter(|reason| !reason.is_empty())
    }
}

impl Run {
    /// Until when a wait may last that is longest `longest`: never past the run's end.
    pub(super) fn until(&self, longest: Duration) -> Instant {
        self.api.deadline.min(Instant::now() + longest)
    }

    /// Opens a way to a server.
    pub(super) async fn tunnel(&self, reach: &Reach) -> Result<Tunnel, Trouble> {
        let open = async {
            match reach {
                Reach::Pod { name, port } => self.forward(name, *port).await,
                Reach::Direct { host, port } => direct(host, *port).await,
            }
        };
        timeout_at(self.until(CONNECT), open).await.map_err(|_| {
            Trouble::session(format!(
                "no connection to {} within {} s",
                reach.object(),
                CONNECT.as_secs()
            ))
        })?
    }

    async fn forward(&self, pod: &str, port: u16) -> Result<Tunnel, Trouble> {
        let _place = self.api.place().await?;
        let pods: Api<Pod> = Api::namespaced(self.api.client.clone(), self.namespace());
        let mut forwarder = pods.portforward(pod, &[port]).await.map_err(|error| match &error {
            kube::Error::Api(status) if status.code == 403 => Trouble::Unreadable(Why::Forbidden),
            kube::Error::Api(status) if status.code == 404 => Trouble::session(format!("pod/{pod} has gone")),
            _ => Trouble::session(hostile::line(&format!(
                "no port-forward to pod/{pod}: {}",
                chain(&error)
            ))),
        })?;
        let stream = forwarder.take_stream(port).map(|stream| Box::new(stream) as Stream);
        let refusal = forwarder
            .take_error(port)
            .map_or_else(|| async { None }.boxed(), FutureExt::boxed);
        Ok(Tunnel {
            stream,
            refusal,
            forwarder: Some(forwarder),
        })
    }
}

/// The reason at the end of a node's report of its own attempts, one for each address family.
fn reason(words: &str) -> String {
    if words.contains("connection refused") {
        return "connection refused".into();
    }
    hostile::line(words.trim().rsplit(": ").next().unwrap_or_default())
}

async fn direct(host: &str, port: u16) -> Result<Tunnel, Trouble> {
    let stream = TcpStream::connect((host, port))
        .await
        .map_err(|error| Trouble::session(connect_error(&error)))?;
    Ok(Tunnel {
        stream: Some(Box::new(stream)),
        refusal: async { None }.boxed(),
        forwarder: None,
    })
}

/// Why a connection failed, in the words of people.
pub(crate) fn connect_error(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::ConnectionRefused => "connection refused".into(),
        std::io::ErrorKind::TimedOut => "no answer in time".into(),
        std::io::ErrorKind::HostUnreachable | std::io::ErrorKind::NetworkUnreachable => "no route to the host".into(),
        _ if error.to_string().contains("lookup") => "no such host".into(),
        _ => hostile::line(&error.to_string()),
    }
}
