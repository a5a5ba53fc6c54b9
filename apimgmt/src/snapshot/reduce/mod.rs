//! Reducing secrets and config maps to facts, on arrival and wherever they are read: nothing else may read their values.

mod address;
mod certificate;
mod placeholder;

use std::{collections::BTreeMap, fmt};

use base64::{Engine, prelude::BASE64_STANDARD};
use jiff::Timestamp;
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

use super::{
    Labels, Metadata,
    sensitive::{Sensitive, ValueFacts},
};

pub(crate) use address::{Dsn, parse_dsn};
pub(crate) use certificate::describe;
pub(crate) use placeholder::names_something;

/// Annotations of secrets that are kept: others may hold a copy of a value.
const HARMLESS_ANNOTATIONS: [&str; 4] = ["meta.helm.sh/", "helm.sh/", "apimgmt.io/", "cert-manager.io/"];

/// A value of a secret or a config map. It is wiped when it is dropped and shows only its length.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    pub(crate) fn new(value: Vec<u8>) -> Self {
        Self(Zeroizing::new(value))
    }

    /// The value itself, for the session that needs it.
    pub(crate) fn reveal(&self) -> &[u8] {
        &self.0
    }

    /// The value as text, for the session that needs it.
    pub(crate) fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for SecretValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "<{} bytes>", self.0.len())
    }
}

/// A secret or config map as it arrives; dropped as soon as its facts and what a session needs are taken.
#[derive(Debug)]
pub(crate) struct Arrived {
    metadata: Metadata,
    kind: String,
    changed_at: Option<Timestamp>,
    pub(crate) values: BTreeMap<String, SecretValue>,
    /// A recording holds the facts alone.
    facts: BTreeMap<String, ValueFacts>,
}

impl Arrived {
    pub(crate) fn name(&self) -> &str {
        &self.metadata.name
    }

    /// What may be known of it.
    pub(crate) fn facts(&self) -> Sensitive {
        let mut facts = self.facts.clone();
        facts.extend(
            self.values
                .iter()
                .map(|(key, value)| (key.clone(), facts_of(key, value, &self.kind))),
        );
        Sensitive {
            metadata: self.metadata.clone(),
            kind: self.kind.clone(),
            changed_at: self.changed_at,
            facts,
        }
    }
}

impl<'de> Deserialize<'de> for Arrived {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Dated {
            #[serde(flatten)]
            metadata: Metadata,
            managed_fields: Vec<Change>,
        }
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Change {
            time: Option<Timestamp>,
        }
        #[derive(Deserialize, Default)]
        #[serde(rename_all = "camelCase", default)]
        struct Written {
            #[serde(rename = "kind")]
            object: String,
            metadata: Dated,
            #[serde(rename = "type")]
            kind: String,
            changed_at: Option<Timestamp>,
            data: Option<BTreeMap<String, Zeroizing<String>>>,
            string_data: Option<BTreeMap<String, Zeroizing<String>>>,
            binary_data: Option<BTreeMap<String, Zeroizing<String>>>,
            facts: BTreeMap<String, ValueFacts>,
        }
        // The reason is left out here too: it would show the text that stood where a map should.
        let written = Written::deserialize(deserializer)
            .map_err(|_| de::Error::custom("the object is not shaped as a Secret or ConfigMap is"))?;
        let secret = written.object != "ConfigMap";
        let plain = |values: Option<BTreeMap<String, Zeroizing<String>>>| {
            let values = values.unwrap_or_default().into_iter();
            values.map(|(key, value)| Ok((key, SecretValue::new(value.as_bytes().to_vec()))))
        };
        let encoded = |values: Option<BTreeMap<String, Zeroizing<String>>>| {
            let values = values.unwrap_or_default().into_iter();
            values.map(|(key, value)| {
                // The reason is left out: it would show a letter of the value.
                let decoded = BASE64_STANDARD
                    .decode(value.trim())
                    .map_err(|_| de::Error::custom(format_args!("the value of key `{key}` is not base64")))?;
                Ok((key, SecretValue::new(decoded)))
            })
        };
        let values = if secret {
            encoded(written.data)
                .chain(plain(written.string_data))
                .collect::<Result<_, _>>()?
        } else {
            plain(written.data)
                .chain(encoded(written.binary_data))
                .collect::<Result<_, _>>()?
        };
        let changes = written.metadata.managed_fields.iter();
        let changed_at = written.changed_at.or(changes.filter_map(|change| change.time).max());
        let mut metadata = written.metadata.metadata;
        if secret {
            let harmless = |key: &str| HARMLESS_ANNOTATIONS.iter().any(|prefix| key.starts_with(prefix));
            let kept = metadata.annotations.iter().filter(|(key, _)| harmless(key));
            let kept: Labels = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
            metadata.annotations = kept.into();
        }
        Ok(Self {
            metadata,
            kind: written.kind,
            changed_at,
            values,
            facts: written.facts,
        })
    }
}

impl<'de> Deserialize<'de> for Sensitive {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Arrived::deserialize(deserializer)?.facts())
    }
}

/// What may be known of one value.
fn facts_of(key: &str, value: &SecretValue, kind: &str) -> ValueFacts {
    let bytes = value.reveal();
    let mut facts = ValueFacts {
        length: bytes.len(),
        certificates: certificate::chain(bytes),
        key_sha256: certificate::private_key_digest(bytes).unwrap_or_default(),
        ..ValueFacts::default()
    };
    let Some(text) = value.text() else {
        return facts;
    };
    facts.placeholder = placeholder::is_placeholder(key, text);
    facts.stray_whitespace = has_stray_whitespace(key, text);
    facts.encoded_twice = is_base64_of_text(text);
    match parse_dsn(text.trim()) {
        Some(Ok(dsn)) => {
            facts.placeholder |= dsn
                .password
                .as_ref()
                .is_some_and(|password| placeholder::is_placeholder("password", password));
            facts.address = Some(dsn.address);
        }
        Some(Err(_)) => facts.malformed_address = true,
        None => {}
    }
    if kind.starts_with("kubernetes.io/dockerc") || key.starts_with(".dockerc") {
        facts.registries = registries(text);
    }
    facts
}

/// White space around a value that is one line; files and blocks of several lines rightly end with a line break.
fn has_stray_whitespace(key: &str, text: &str) -> bool {
    let is_file = key.contains('.') || text.trim_end().contains('\n');
    !is_file && text.trim() != text
}

/// Whether it decodes to readable text: then somebody encoded it once too often.
fn is_base64_of_text(text: &str) -> bool {
    let text = text.trim();
    if text.len() < 8 || !text.len().is_multiple_of(4) {
        return false;
    }
    // Eight letters decode to six bytes, which may be readable by chance: those must show their padding.
    if text.len() < 16 && !text.ends_with('=') {
        return false;
    }
    BASE64_STANDARD.decode(text).map(Zeroizing::new).is_ok_and(|decoded| {
        decoded
            .iter()
            .all(|byte| byte.is_ascii_graphic() || b" \n\r\t".contains(byte))
    })
}

/// The registries that a pull secret has credentials for.
fn registries(text: &str) -> Vec<String> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Configuration {
        Newer { auths: BTreeMap<String, Login> },
        Older(BTreeMap<String, Login>),
    }
    #[derive(Deserialize, Default)]
    #[serde(default)]
    struct Login {
        auth: Zeroizing<String>,
        username: String,
        password: Zeroizing<String>,
        identitytoken: Zeroizing<String>,
    }
    let logins = match serde_json::from_str(text) {
        Ok(Configuration::Newer { auths }) => auths,
        Ok(Configuration::Older(logins)) => logins,
        Err(_) => return Vec::new(),
    };
    let has_credentials = |login: &Login| {
        !login.auth.is_empty()
            || !login.identitytoken.is_empty()
            || (!login.username.is_empty() && !login.password.is_empty())
    };
    logins
        .into_iter()
        .filter(|(_, login)| has_credentials(login))
        .map(|(registry, _)| registry)
        .collect()
}

#[cfg(test)]
mod tests;
