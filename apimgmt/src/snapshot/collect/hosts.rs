//! The public hosts as a visitor meets them: TCP, the TLS handshake, a GET over HTTPS and one over plain HTTP.

use std::{sync::Arc, time::Duration};

use http::header::{LOCATION, STRICT_TRANSPORT_SECURITY};
use rustls::pki_types::ServerName;
use tokio::{io::AsyncWriteExt, net::TcpStream, time::timeout_at};
use tokio_rustls::TlsConnector;

use super::{
    Run, http_call, old_tls,
    tls::{Observer, authorities, mistrust},
    trouble::Trouble,
    tunnel::connect_error,
};
use crate::{
    snapshot::{Snapshot, Unreadable, Why, hostile, reduce::describe, sessions::Host},
    values::ExpectedHost,
};

/// Longest time for one step with a host.
const STEP: Duration = Duration::from_secs(5);
/// Most hosts that are visited.
const MOST: usize = 32;

impl Run {
    /// Every declared host, else every host of the ingresses.
    pub(super) async fn hosts(&self, snapshot: &Snapshot) -> Result<Vec<Host>, Trouble> {
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        let hosts = snapshot.public_hosts().map_err(needs)?;
        if hosts.len() > MOST {
            return Err(Trouble::failed(format!("{} hosts are more than {MOST}", hosts.len())));
        }
        let bundle = &snapshot.expectations().map_err(needs)?.tls.ca_bundle;
        Ok(futures::future::join_all(hosts.iter().map(|host| self.visit(host, bundle, snapshot.taken_at))).await)
    }

    async fn visit(&self, expected: &ExpectedHost, bundle: &str, now: jiff::Timestamp) -> Host {
        let at = |connect_to: &str, port: u16| {
            if connect_to.is_empty() {
                format!("{}:{port}", expected.host)
            } else {
                connect_to.to_owned()
            }
        };
        let secure = at(&expected.connect_to, 443);
        let mut host = Host {
            host: expected.host.clone(),
            connected_to: secure.clone(),
            ..Host::default()
        };
        let (encrypted, old, weak, plain) = futures::join!(
            self.step(handshake(&secure, &expected.host)),
            self.step(old_tls::versions(&secure, &expected.host)),
            self.step(old_tls::weak_suites(&secure, &expected.host)),
            // Redirected elsewhere, plain HTTP is only known where it is declared to be.
            async {
                if !expected.connect_to.is_empty() && expected.connect_to_http.is_empty() {
                    return Err("where plain HTTP is served is not declared (`connectToHttp`)".into());
                }
                self.step(plain(&at(&expected.connect_to_http, 80), &expected.host))
                    .await
            },
        );
        host.old_protocols = old.ok();
        host.weak_suites = weak.ok();
        match plain {
            Ok(reply) => {
                host.http_status = Some(reply.status.as_u16());
                host.http_location = header(&reply, &LOCATION);
            }
            Err(message) => host.http_error = Some(message),
        }
        match encrypted {
            Err(message) => host.error = Some(message),
            Ok(Encrypted {
                observer,
                stream,
                protocol,
                suite,
            }) => {
                let chain = observer.chain();
                host.served = chain.iter().filter_map(|certificate| describe(certificate)).collect();
                host.untrusted = mistrust(&chain, &expected.host, now, authorities(bundle));
                host.protocol = protocol;
                host.cipher_suite = suite;
                if let Ok(reply) = self
                    .step(http_call::get(Box::new(stream), &expected.host, "/", 4096))
                    .await
                {
                    host.https_status = Some(reply.status.as_u16());
                    host.hsts = header(&reply, &STRICT_TRANSPORT_SECURITY);
                }
            }
        }
        host
    }

    async fn step<T>(&self, step: impl Future<Output = Result<T, String>>) -> Result<T, String> {
        timeout_at(self.until(STEP), step)
            .await
            .map_err(|_| format!("no answer within {} s", STEP.as_secs()))?
    }
}

fn header(reply: &http_call::Reply, name: &http::HeaderName) -> Option<String> {
    Some(hostile::line(&String::from_utf8_lossy(
        reply.headers.get(name)?.as_bytes(),
    )))
}

struct Encrypted {
    observer: Arc<Observer>,
    stream: tokio_rustls::client::TlsStream<TcpStream>,
    protocol: String,
    suite: String,
}

async fn handshake(address: &str, host: &str) -> Result<Encrypted, String> {
    let (observer, mut config) = Observer::client().map_err(|error| error.to_string())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    let name = ServerName::try_from(host.to_owned()).map_err(|error| error.to_string())?;
    let socket = TcpStream::connect(address)
        .await
        .map_err(|error| connect_error(&error))?;
    let stream = TlsConnector::from(Arc::new(config))
        .connect(name, socket)
        .await
        .map_err(|error| format!("the TLS handshake failed: {}", hostile::line(&error.to_string())))?;
    let (_, session) = stream.get_ref();
    let protocol = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLSv1.3".into(),
        Some(rustls::ProtocolVersion::TLSv1_2) => "TLSv1.2".into(),
        other => other.map(|version| format!("{version:?}")).unwrap_or_default(),
    };
    let suite = session
        .negotiated_cipher_suite()
        .map(|suite| format!("{:?}", suite.suite()))
        .unwrap_or_default();
    Ok(Encrypted {
        observer,
        stream,
        protocol,
        suite,
    })
}

async fn plain(address: &str, host: &str) -> Result<http_call::Reply, String> {
    let mut socket = TcpStream::connect(address)
        .await
        .map_err(|error| connect_error(&error))?;
    socket.flush().await.map_err(|error| connect_error(&error))?;
    http_call::get(Box::new(socket), host, "/", 4096).await
}
