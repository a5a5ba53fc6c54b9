//! Secrets and config maps, reduced to facts on arrival: no value of a secret is ever kept.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Metadata, services::host_matches};

/// What is known of a secret or a config map. Reading one reduces it: see `reduce`.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Sensitive {
    /// Identity.
    pub metadata: Metadata,
    /// Type of a secret, such as `kubernetes.io/tls`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When somebody changed it last, as its managers' records tell; `None` where they tell nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<Timestamp>,
    /// Facts of the value of each key.
    pub facts: BTreeMap<String, ValueFacts>,
}

/// The object of a name; `None` when it does not exist, since the collector asks for every name that others refer to.
pub fn named<'a>(objects: &'a [Sensitive], name: &str) -> Option<&'a Sensitive> {
    objects.iter().find(|object| object.metadata.name == name)
}

/// What is known of one value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValueFacts {
    /// Length in bytes.
    pub length: usize,
    /// It is a known placeholder or sample: `changeme`, `password`, `<…>`.
    pub placeholder: bool,
    /// It begins or ends with white space or a line break that does not belong there.
    pub stray_whitespace: bool,
    /// It is base64 of text: encoded once too often.
    pub encoded_twice: bool,
    /// Its parts, when it is a URL or DSN of a service; never the password.
    pub address: Option<Address>,
    /// It names a URL scheme but does not parse.
    pub malformed_address: bool,
    /// Certificates in it, in order.
    pub certificates: Vec<Certificate>,
    /// Digest of the public key that belongs to a private key in it.
    pub key_sha256: String,
    /// Registries that a pull secret has credentials for.
    pub registries: Vec<String>,
}

/// The parts of a URL or DSN without its password.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Address {
    /// Scheme, such as `postgres`.
    pub scheme: String,
    /// User.
    pub user: String,
    /// Whether a password is in it.
    pub has_password: bool,
    /// Host.
    pub host: String,
    /// Port, 0 when not written.
    pub port: u16,
    /// Path without the leading slash: the database.
    pub path: String,
}

/// A certificate, in a secret or served by a host.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Certificate {
    /// Distinguished name of its owner.
    pub subject: String,
    /// Distinguished name of who signed it.
    pub issuer: String,
    /// Host names and addresses that it is for.
    pub names: Vec<String>,
    /// Start of validity.
    pub not_before: Option<Timestamp>,
    /// End of validity.
    pub not_after: Option<Timestamp>,
    /// SHA-256 of the whole certificate, hexadecimal.
    pub sha256: String,
    /// SHA-256 of its public key information, hexadecimal.
    pub key_sha256: String,
    /// May sign others.
    pub authority: bool,
}

impl Certificate {
    /// Whether the certificate is for `host`; a wildcard covers exactly one label.
    pub fn covers(&self, host: &str) -> bool {
        self.names.iter().any(|name| host_matches(name, host))
    }
}
