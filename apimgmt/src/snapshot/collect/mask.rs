//! Masking what is secret in text on its way in: every secret value of this run, its base64, and passwords in URLs.

use aho_corasick::{AhoCorasick, MatchKind};
use base64::{Engine, prelude::BASE64_STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde_json::Value;
use zeroize::Zeroize;

use super::{
    disguise::{encodings, inner_secrets},
    vault::Vault,
};
use crate::snapshot::{
    Pod, Reading, Readings,
    reduce::{Arrived, names_something, parse_dsn},
};

/// Shorter values would be found in innocent words.
const SHORTEST: usize = 8;
/// What stands where a secret was.
const MASK: &str = "…secret…";

/// Finds secrets.
pub(crate) struct Mask(Option<AhoCorasick>);

impl std::fmt::Debug for Mask {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("<mask>")
    }
}

impl Mask {
    /// Of Secrets as they are written in manifests or served.
    pub(crate) fn of_secrets<'a>(secrets: impl IntoIterator<Item = &'a Value>) -> Self {
        let arrived = secrets.into_iter().filter_map(|secret| {
            let mut secret = secret.clone();
            let written = secret["stringData"].as_object().cloned().unwrap_or_default();
            for (key, value) in written {
                secret["data"][key] = BASE64_STANDARD.encode(value.as_str().unwrap_or_default()).into();
            }
            Arrived::deserialize(secret).ok()
        });
        Self::of(&Vault::fill(Reading::Read(arrived.collect()), Reading::NotRead, [].into()).2)
    }

    /// An automaton over the values of the vault, the passwords inside their addresses, and what these look like encoded.
    pub(super) fn of(vault: &Vault) -> Self {
        let mut words: Vec<Vec<u8>> = Vec::new();
        let mut add = |value: &[u8]| {
            let value = value.trim_ascii();
            if value.len() < SHORTEST {
                return;
            }
            words.push(value.to_vec());
            words.extend(encodings(value));
            let escaped = utf8_percent_encode(&String::from_utf8_lossy(value), NON_ALPHANUMERIC).to_string();
            words.push(escaped.into_bytes());
        };
        for (key, value) in vault.secret_values() {
            let Some(text) = value.text() else {
                add(value.reveal());
                continue;
            };
            let dsn = parse_dsn(text.trim()).and_then(Result::ok);
            // Users, databases and certificates are named in many a message, which nobody would understand without them.
            let is_public = ["tls.crt", "ca.crt"].contains(&key) || (names_something(key) && dsn.is_none());
            if is_public {
                continue;
            }
            // Files are masked line by line: a log shows one of them at most.
            for line in text.lines().filter(|line| !line.starts_with("-----")) {
                add(line.as_bytes());
            }
            if let Some(password) = dsn.and_then(|dsn| dsn.password) {
                add(password.as_bytes());
            }
            for inner in inner_secrets(text) {
                add(inner.as_bytes());
            }
        }
        words.sort();
        words.dedup();
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(&words);
        for word in &mut words {
            word.zeroize();
        }
        Self(automaton.ok())
    }

    /// The text without its secrets.
    pub(crate) fn apply(&self, text: &str) -> String {
        let without_values = match &self.0 {
            Some(automaton) => {
                let mut masked = String::with_capacity(text.len());
                automaton.replace_all_with(text, &mut masked, |_, _, masked| {
                    masked.push_str(MASK);
                    true
                });
                masked
            }
            None => text.to_owned(),
        };
        without_url_passwords(&without_values)
    }
}

impl Mask {
    /// Covers what containers, kubelets and controllers wrote: messages of pods, containers and events.
    pub(super) fn cover(&self, readings: &mut Readings) {
        if let Reading::Read(pods) = &mut readings.pods {
            for pod in pods {
                self.cover_pod(pod);
            }
        }
        if let Reading::Read(events) = &mut readings.events {
            for event in events {
                self.cover_text(&mut event.message);
            }
        }
    }

    fn cover_pod(&self, pod: &mut Pod) {
        for message in pod.messages_mut() {
            self.cover_text(message);
        }
    }

    fn cover_text(&self, text: &mut String) {
        if !text.is_empty() {
            *text = self.apply(text);
        }
    }
}

/// `scheme://user:password@host` without the password, wherever it stands.
fn without_url_passwords(text: &str) -> String {
    let mut masked = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        masked.push_str(before);
        let end = after
            .find(|letter: char| letter.is_whitespace() || "/?#\"'<>`,".contains(letter))
            .unwrap_or(after.len());
        let (authority, tail) = after.split_at(end);
        match authority
            .rsplit_once('@')
            .and_then(|(login, host)| Some((login.split_once(':')?.0, host)))
        {
            Some((user, host)) => masked.extend([user, ":", MASK, "@", host]),
            None => masked.push_str(authority),
        }
        rest = tail;
    }
    masked.push_str(rest);
    masked
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde_json::json;

    use super::{MASK, Mask, Vault};
    use crate::snapshot::{Reading, reduce::Arrived};

    fn mask() -> Mask {
        let secret: Arrived = serde_json::from_value(json!({"kind": "Secret", "metadata": {"name": "s"}, "stringData": {
            "username": "integration_api_management", "docker": "{\"auths\":{\"r.test\":{\"password\":\"pull-password\"}}}",
            "password": "correct horse+battery", "url": "postgres://app:pa%2Fss-word@postgres/shop", "short": "abc", "key": "-----BEGIN X-----\nMIIBVQIBADANBg\n-----END X-----\n"}}))
        .unwrap();
        Mask::of(&Vault::fill(Reading::Read(vec![secret]), Reading::NotRead, [].into()).2)
    }

    #[test]
    fn values_are_masked_in_every_dress() {
        let mask = mask();
        for dress in [
            "correct horse+battery",
            "correct%20horse%2Bbattery",
            "pa/ss-word",
            "pa%2Fss%2Dword",
            "pull-password",
            "MIIBVQIBADANBg",
        ] {
            assert_eq!(mask.apply(&format!("a {dress} b")), format!("a {MASK} b"), "{dress}");
        }
        for before in ["", "x", "xy", "xyz"] {
            let encoded = BASE64_STANDARD.encode(format!("{before}correct horse+battery!"));
            let masked = mask.apply(&encoded);
            assert!(masked.contains(MASK) && masked.len() < MASK.len() + 14, "{masked}");
        }
        for plain in [
            "abc stays: too short",
            "database integration_api_management does not exist",
        ] {
            assert_eq!(mask.apply(plain), plain);
        }
    }

    #[test]
    fn passwords_of_urls_are_masked_though_nobody_knows_them() {
        assert_eq!(
            mask().apply("to redis://u:p@h:1/0, then amqp://x:y@z and http://plain/a@b"),
            format!("to redis://u:{MASK}@h:1/0, then amqp://x:{MASK}@z and http://plain/a@b")
        );
    }
}
