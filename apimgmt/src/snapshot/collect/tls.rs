//! TLS as an observer: the handshake is completed whatever the certificate, which is then judged apart.

use std::sync::{Arc, Mutex, OnceLock};

use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, ServerName, UnixTime, pem::PemObject},
};

/// Takes every certificate and keeps it. The server must still prove that it has the key.
#[derive(Debug)]
pub(crate) struct Observer {
    provider: Arc<CryptoProvider>,
    seen: Mutex<Vec<CertificateDer<'static>>>,
}

impl Observer {
    /// An observer, and the configuration of a client that uses it.
    pub(crate) fn client() -> Result<(Arc<Self>, ClientConfig), Error> {
        let provider = Arc::new(ring::default_provider());
        let observer = Arc::new(Self {
            provider: provider.clone(),
            seen: Mutex::default(),
        });
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(observer.clone())
            .with_no_client_auth();
        Ok((observer, config))
    }

    /// The chain as served, leaf first.
    pub(crate) fn chain(&self) -> Vec<CertificateDer<'static>> {
        self.seen.lock().map(|seen| seen.clone()).unwrap_or_default()
    }
}

impl ServerCertVerifier for Observer {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        more: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        if let Ok(mut seen) = self.seen.lock() {
            *seen = std::iter::once(leaf)
                .chain(more)
                .map(|certificate| certificate.clone().into_owned())
                .collect();
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// Whom this machine trusts, and the authorities of a PEM text beside them.
pub(crate) fn authorities(declared: &str) -> RootCertStore {
    static SYSTEM: OnceLock<RootCertStore> = OnceLock::new();
    let system = SYSTEM.get_or_init(|| {
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        store
    });
    let mut store = system.clone();
    store.add_parsable_certificates(CertificateDer::pem_slice_iter(declared.as_bytes()).filter_map(Result::ok));
    store
}

/// Why a chain is not to be trusted for a name at a time; `None` when it is.
pub(crate) fn mistrust(
    chain: &[CertificateDer<'_>],
    name: &str,
    now: jiff::Timestamp,
    trusted: RootCertStore,
) -> Option<String> {
    let Some((leaf, more)) = chain.split_first() else {
        return Some("no certificate was served".into());
    };
    if trusted.is_empty() {
        return Some("no trusted authorities are known here".into());
    }
    let judge = || {
        let provider = Arc::new(ring::default_provider());
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(trusted), provider)
            .build()
            .map_err(|error| error.to_string())?;
        let name = ServerName::try_from(name.to_owned()).map_err(|error| error.to_string())?;
        let since = u64::try_from(now.as_second()).unwrap_or_default();
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_secs(since));
        verifier
            .verify_server_cert(leaf, more, &name, &[], now)
            .map_err(|error| in_words(&error))?;
        Ok::<_, String>(())
    };
    judge().err()
}

fn in_words(error: &Error) -> String {
    use rustls::CertificateError as C;
    match error {
        Error::InvalidCertificate(C::UnknownIssuer) => "signed by an authority that is not trusted".into(),
        Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => "the certificate has expired".into(),
        Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => {
            "the certificate is not valid yet".into()
        }
        Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
            "the certificate is for other names".into()
        }
        other => crate::snapshot::hostile::line(&other.to_string()),
    }
}
