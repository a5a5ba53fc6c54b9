//! Certificates and keys: what is public of them.

use jiff::Timestamp;
use rustls::{
    crypto::ring::sign::any_supported_type,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};
use sha2::{Digest, Sha256};
use x509_parser::{
    extensions::GeneralName,
    prelude::{FromDer, X509Certificate},
};

use crate::snapshot::{hostile, sensitive::Certificate};

/// Most certificates of one value that are read: chains are short, bundles of authorities need not be known whole.
const MOST: usize = 32;

/// The certificates of a PEM text, in order; those that cannot be read are left out.
pub(super) fn chain(value: &[u8]) -> Vec<Certificate> {
    if !contains(value, b"-----BEGIN CERTIFICATE-----") {
        return Vec::new();
    }
    CertificateDer::pem_slice_iter(value)
        .take(MOST)
        .filter_map(|certificate| describe(&certificate.ok()?))
        .collect()
}

/// Digest of the public key information that belongs to the private key in a PEM text.
pub(super) fn private_key_digest(value: &[u8]) -> Option<String> {
    if !contains(value, b"PRIVATE KEY-----") {
        return None;
    }
    let key = PrivateKeyDer::from_pem_slice(value).ok()?;
    let key = any_supported_type(&key).ok()?;
    Some(digest(&key.public_key()?))
}

/// What is public of a certificate.
pub(crate) fn describe(der: &[u8]) -> Option<Certificate> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok().flatten();
    let names = names.iter().flat_map(|extension| &extension.value.general_names);
    let authority = certificate
        .basic_constraints()
        .ok()
        .flatten()
        .is_some_and(|constraints| constraints.value.ca);
    let validity = certificate.validity();
    Some(Certificate {
        subject: hostile::line(&certificate.subject().to_string()),
        issuer: hostile::line(&certificate.issuer().to_string()),
        names: names.filter_map(name).collect(),
        not_before: Timestamp::from_second(validity.not_before.timestamp()).ok(),
        not_after: Timestamp::from_second(validity.not_after.timestamp()).ok(),
        sha256: digest(der),
        key_sha256: digest(certificate.public_key().raw),
        authority,
    })
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(name) => Some(hostile::line(name)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes)
                .ok()
                .map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
            16 => <[u8; 16]>::try_from(*bytes)
                .ok()
                .map(|bytes| std::net::Ipv6Addr::from(bytes).to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn contains(value: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(value, part).is_some()
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}
