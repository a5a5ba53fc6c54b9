//! TLS of a PostgreSQL session, by rustls: verified where the DSN asks for it, else as libpq's `require`.

use std::{io, sync::Arc};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_postgres::tls::{ChannelBinding, TlsConnect, TlsStream};

use crate::snapshot::collect::{Observer, Stream, authorities};

/// Makes the TLS session when the server wants one.
pub(super) struct Connector {
    config: Arc<ClientConfig>,
    host: String,
}

impl Connector {
    /// `verify` as in `sslmode=verify-ca|verify-full`. Over a port-forward the name is not the server's, and nothing is proven of it.
    pub(super) fn new(host: &str, verify: bool) -> Result<Self, rustls::Error> {
        let config = if verify {
            let provider = Arc::new(rustls::crypto::ring::default_provider());
            ClientConfig::builder_with_provider(provider)
                .with_safe_default_protocol_versions()?
                .with_root_certificates(authorities(""))
                .with_no_client_auth()
        } else {
            Observer::client()?.1
        };
        Ok(Self {
            config: Arc::new(config),
            host: host.into(),
        })
    }
}

impl TlsConnect<Stream> for Connector {
    type Stream = Encrypted;
    type Error = io::Error;
    type Future = futures::future::BoxFuture<'static, io::Result<Encrypted>>;

    fn connect(self, stream: Stream) -> Self::Future {
        Box::pin(async move {
            let name = ServerName::try_from(self.host).map_err(io::Error::other)?;
            let stream = tokio_rustls::TlsConnector::from(self.config)
                .connect(name, stream)
                .await?;
            Ok(Encrypted(stream))
        })
    }
}

/// The encrypted stream.
pub(super) struct Encrypted(tokio_rustls::client::TlsStream<Stream>);

impl TlsStream for Encrypted {
    fn channel_binding(&self) -> ChannelBinding {
        ChannelBinding::none()
    }
}

impl AsyncRead for Encrypted {
    fn poll_read(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Encrypted {
    fn poll_write(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<io::Result<usize>> {
        std::pin::Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<io::Result<()>> {
        std::pin::Pin::new(&mut self.0).poll_shutdown(context)
    }
}
