//! The certificate of a Secret, in the form that `HAProxy` reads; one that `HAProxy` would refuse is refused here, because
//! there it would stop every other host too.
use anyhow::{Context, Result};
use k8s_openapi::api::core::v1::Secret;
use rustls::{
    crypto::ring::default_provider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    sign::CertifiedKey,
};

/// The chain and the key in one file.
pub(super) fn bundle(secret: &Secret) -> Result<String> {
    let read = |key: &str| -> Result<&[u8]> {
        let data = secret.data.as_ref().and_then(|data| data.get(key));
        Ok(&data.with_context(|| format!("it has no key {key}"))?.0)
    };
    let (certificate, key) = (read("tls.crt")?, read("tls.key")?);
    let chain = CertificateDer::pem_slice_iter(certificate)
        .collect::<Result<Vec<_>, _>>()
        .context("tls.crt is no chain of certificates")?;
    let private = PrivateKeyDer::from_pem_slice(key).context("tls.key is no private key")?;
    CertifiedKey::from_der(chain, private, &default_provider()).context("tls.crt and tls.key don't fit each other")?;
    Ok(format!(
        "{}\n{}\n",
        std::str::from_utf8(certificate)?.trim(),
        std::str::from_utf8(key)?.trim()
    ))
}

#[cfg(test)]
pub(super) mod tests {
    use k8s_openapi::ByteString;

    use super::*;

    pub(crate) fn secret(certificate: &str, key: &str) -> Secret {
        let data = [("tls.crt", certificate), ("tls.key", key)];
        Secret {
            data: Some(
                data.map(|(name, text)| (name.to_owned(), ByteString(text.into())))
                    .into(),
            ),
            ..Secret::default()
        }
    }

    pub(crate) fn pair() -> (String, String) {
        let key = rcgen::KeyPair::generate().unwrap();
        let parameters = rcgen::CertificateParams::new(["a.sandbox.test".to_owned()]).unwrap();
        (parameters.self_signed(&key).unwrap().pem(), key.serialize_pem())
    }

    #[test]
    fn a_pair_becomes_one_file() {
        let (certificate, key) = pair();
        let bundle = bundle(&secret(&certificate, &key)).unwrap();
        assert!(bundle.starts_with("-----BEGIN CERTIFICATE") && bundle.contains("PRIVATE KEY"));
    }

    #[test]
    fn what_haproxy_would_refuse_is_refused() {
        let (certificate, key) = pair();
        let (_, other) = pair();
        for (broken, reason) in [
            (secret(&certificate, &other), "fit"),
            (secret(&certificate, "not a key"), "tls.key"),
            (secret("not a certificate", &key), "tls.crt"),
            (secret("", &key), "tls.crt"),
            (Secret::default(), "no key"),
        ] {
            let error = format!("{:#}", bundle(&broken).unwrap_err());
            assert!(error.contains(reason), "{error}");
        }
    }
}
