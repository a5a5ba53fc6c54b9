//! What a secret's value looks like in other texts: as it is, in base64, in URLs, in JSON.

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use zeroize::Zeroizing;

use crate::snapshot::literal::names_a_secret;

/// How a value is dressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Form {
    Plain,
    Base64,
    Url,
}

impl Form {
    /// The word for people.
    pub(super) const fn word(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Base64 => "base64",
            Self::Url => "URL-encoded",
        }
    }
}

/// What RFC 3986 leaves unreserved, and what most encoders therefore leave alone.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value in every dress that differs from the ones before.
pub(super) fn dresses(value: &[u8]) -> Vec<(Form, Zeroizing<Vec<u8>>)> {
    let mut dresses = vec![(Form::Plain, Zeroizing::new(value.to_vec()))];
    dresses.extend(encodings(value).map(|encoded| (Form::Base64, Zeroizing::new(encoded))));
    if let Ok(text) = std::str::from_utf8(value) {
        for set in [NON_ALPHANUMERIC, RESERVED] {
            let escaped = utf8_percent_encode(text, set).to_string();
            dresses.push((Form::Url, Zeroizing::new(escaped.into_bytes())));
        }
        let json = Zeroizing::new(Value::from(text).to_string());
        let inner = json.trim_matches('"');
        // Go, and so the API server, also escapes what HTML would take for markup.
        let of_go = inner
            .replace('<', "\\u003c")
            .replace('>', "\\u003e")
            .replace('&', "\\u0026");
        dresses.push((Form::Plain, Zeroizing::new(inner.as_bytes().to_vec())));
        dresses.push((Form::Plain, Zeroizing::new(of_go.into_bytes())));
    }
    let mut distinct: Vec<(Form, Zeroizing<Vec<u8>>)> = Vec::new();
    for (form, dress) in dresses {
        if !distinct.iter().any(|(_, known)| **known == *dress) {
            distinct.push((form, dress));
        }
    }
    distinct
}

/// The passwords inside a JSON document, such as the credentials of registries.
pub(super) fn inner_secrets(text: &str) -> Vec<Zeroizing<String>> {
    fn search(value: Value, secrets: &mut Vec<Zeroizing<String>>) {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields {
                    match value {
                        Value::String(text) if key.starts_with("auth") || names_a_secret(&key) => {
                            secrets.push(Zeroizing::new(text));
                        }
                        other => search(other, secrets),
                    }
                }
            }
            Value::Array(items) => items.into_iter().for_each(|item| search(item, secrets)),
            _ => {}
        }
    }
    let mut secrets = Vec::new();
    if text.trim_start().starts_with('{') {
        search(serde_json::from_str(text).unwrap_or_default(), &mut secrets);
    }
    secrets
}

/// Base64 of a value at each of the three places that it can have inside a longer text, without the letters at its ends
/// that depend on its neighbours.
pub(super) fn encodings(value: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    (0..3).map(move |offset| {
        let shifted = [vec![0; offset], value.to_vec()].concat();
        let encoded = BASE64_STANDARD_NO_PAD.encode(shifted);
        let begin = [0, 2, 3][offset];
        let whole = (offset + value.len()) * 8 / 6;
        encoded.as_bytes()[begin..whole].to_vec()
    })
}
