//! The values of this run's secrets as an automaton that finds them in streaming text, in bounded memory.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use zeroize::Zeroizing;

use super::{
    disguise::{Form, dresses, inner_secrets},
    trouble::Trouble,
    vault::Vault,
};
use crate::snapshot::{
    literal::names_a_secret,
    reduce::{names_something, parse_dsn},
    sessions::{Found, LeftOut},
};

/// Shorter values would be found in innocent words.
const SHORTEST: usize = 8;
/// Values of letters alone that are shorter may be words.
const WORDLIKE: usize = 20;
/// Fewer distinct bytes make no secret.
const DISTINCT: usize = 5;
/// So much of a long value is searched for: whoever shows it shows this much, and the automaton stays small.
const LONGEST: usize = 256;
/// An automaton up to this many bytes of words is laid out for speed, a larger one for memory.
const FAST: usize = 16 << 10;

/// What a word belongs to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Owner {
    secret: String,
    key: String,
    form: Form,
}

/// Every value in every dress. What it was made of is wiped once the automaton is built.
pub(super) struct Needles {
    automaton: AhoCorasick,
    owners: Vec<Owner>,
    longest: usize,
    /// Values that are searched for.
    pub(super) values: usize,
    /// Values that are not, and why.
    pub(super) left_out: Vec<LeftOut>,
}

impl Needles {
    pub(super) fn of(vault: &Vault) -> Result<Self, Trouble> {
        let mut words: Vec<(Zeroizing<Vec<u8>>, Owner)> = Vec::new();
        let mut searched = BTreeSet::new();
        let mut left_out = BTreeSet::new();
        for (secret, key, value) in vault.named_values() {
            let mut add = |value: &[u8]| {
                let value = value.trim_ascii();
                let value = &value[..value.len().min(LONGEST)];
                if let Some(why) = innocent(value) {
                    return Err(why);
                }
                for (form, dress) in dresses(value) {
                    let owner = Owner {
                        secret: secret.into(),
                        key: key.into(),
                        form,
                    };
                    words.push((dress, owner));
                }
                Ok(())
            };
            let parts = parts(key, value.reveal());
            // A value counts as searched for when the secret part of it is.
            let done = match parts {
                Parts::Public => continue,
                Parts::Nothing(why) => Err(why),
                Parts::Some(parts) => {
                    let mut done = Err("empty");
                    // Every part is added, whatever became of the ones before.
                    for part in &parts {
                        done = done.or(add(part));
                    }
                    done
                }
            };
            match done {
                Ok(()) => _ = searched.insert((secret, key)),
                Err(why) => {
                    left_out.insert(LeftOut {
                        secret: secret.into(),
                        key: key.into(),
                        why: why.into(),
                    });
                }
            }
        }
        words.sort_by(|(left, _), (right, _)| left.as_slice().cmp(right.as_slice()));
        words.dedup_by(|(left, _), (right, _)| left.as_slice() == right.as_slice());
        let lengths = || words.iter().map(|(word, _)| word.len());
        let (bytes, longest) = (lengths().sum::<usize>(), lengths().max().unwrap_or_default());
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind((bytes <= FAST).then_some(AhoCorasickKind::DFA))
            .build(words.iter().map(|(word, _)| word.as_slice()))
            // The reason could name a word.
            .map_err(|_| Trouble::failed("the values of secrets are too many to search for"))?;
        Ok(Self {
            automaton,
            longest,
            owners: words.into_iter().map(|(_, owner)| owner).collect(),
            values: searched.len(),
            left_out: left_out.into_iter().collect(),
        })
    }

    /// A search in a stream.
    pub(super) fn search(&self) -> Search<'_> {
        Search {
            needles: self,
            tail: Vec::new(),
            hits: BTreeSet::new(),
        }
    }

    /// What stands in one text.
    pub(super) fn in_text(&self, text: &[u8]) -> BTreeSet<usize> {
        self.automaton
            .find_iter(text)
            .map(|found| found.pattern().as_usize())
            .collect()
    }

    /// A hit in words.
    pub(super) fn found(&self, hit: usize, place: &str) -> Found {
        let owner = &self.owners[hit];
        Found {
            place: place.into(),
            secret: owner.secret.clone(),
            key: owner.key.clone(),
            form: owner.form.word().into(),
        }
    }
}

/// A search in a stream that keeps only as much of it as a word may straddle.
pub(super) struct Search<'a> {
    needles: &'a Needles,
    tail: Vec<u8>,
    hits: BTreeSet<usize>,
}

impl Search<'_> {
    /// Takes the next piece.
    pub(super) fn feed(&mut self, piece: &[u8]) {
        self.tail.extend_from_slice(piece);
        let hits = self.needles.automaton.find_iter(&self.tail);
        self.hits.extend(hits.map(|found| found.pattern().as_usize()));
        let surplus = self.tail.len().saturating_sub(self.needles.longest.saturating_sub(1));
        self.tail.drain(..surplus);
    }

    /// What was seen.
    pub(super) fn hits(self) -> BTreeSet<usize> {
        self.hits
    }
}

/// The secret parts of a value.
enum Parts {
    /// Names, addresses' hosts, certificates: everybody may know them.
    Public,
    /// It has none that could be told from innocent text.
    Nothing(&'static str),
    Some(Vec<Zeroizing<Vec<u8>>>),
}

fn parts(key: &str, value: &[u8]) -> Parts {
    let whole = || Zeroizing::new(value.to_vec());
    let Ok(text) = std::str::from_utf8(value) else {
        return Parts::Some(vec![whole()]);
    };
    let owned = |text: &str| Zeroizing::new(text.as_bytes().to_vec());
    let dsn = parse_dsn(text.trim()).and_then(Result::ok);
    if ["tls.crt", "ca.crt"].contains(&key) || (names_something(key) && dsn.is_none()) {
        return Parts::Public;
    }
    if let Some(dsn) = dsn {
        return match dsn.password {
            Some(password) => Parts::Some(vec![owned(&password), whole()]),
            None => Parts::Nothing("an address without a password"),
        };
    }
    let inner = inner_secrets(text);
    if !inner.is_empty() {
        let inner = inner.iter().map(|secret| owned(secret));
        return Parts::Some(inner.chain([whole()]).collect());
    }
    if text.trim().lines().count() <= 1 {
        return Parts::Some(vec![whole()]);
    }
    // Of a key every line is secret; of any other file only what it calls a secret.
    let lines = text.lines().map(str::trim);
    let secret: Vec<_> = if text.contains("PRIVATE KEY-----") {
        lines.filter(|line| !line.starts_with("-----")).map(owned).collect()
    } else {
        lines.filter_map(named_in_line).map(owned).collect()
    };
    if secret.is_empty() {
        return Parts::Nothing("a file that names no secret in it");
    }
    Parts::Some(secret)
}

/// The value of a line `password: …` or `password=…`.
fn named_in_line(line: &str) -> Option<&str> {
    let (name, value) = line.split_once([':', '='])?;
    names_a_secret(name).then(|| value.trim().trim_matches(['"', '\'']))
}

/// Why a value would be found where nobody leaked it.
fn innocent(value: &[u8]) -> Option<&'static str> {
    if value.len() < SHORTEST {
        return Some("shorter than 8 bytes");
    }
    let distinct: BTreeSet<u8> = value.iter().copied().collect();
    let letters = |class: fn(&u8) -> bool| value.iter().all(|byte| class(byte) || b"-_. ".contains(byte));
    let is_wordlike = value.len() < WORDLIKE && (letters(u8::is_ascii_lowercase) || letters(u8::is_ascii_uppercase));
    (distinct.len() < DISTINCT || is_wordlike).then_some("of low entropy: it may be words")
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_STANDARD};
    use serde_json::json;

    use super::*;
    use crate::snapshot::{Reading, reduce::Arrived};

    fn needles() -> Needles {
        let secret: Arrived = serde_json::from_value(json!({"kind": "Secret", "metadata": {"name": "s"}, "stringData": {
            "username": "integration_api_management", "database-password": "Tr0ub4dor&3<x", "url": "postgres://app:pa%2Fss-w0rd@postgres/shop",
            "short": "abc", "word": "production", "plain": "zzzzzzzzzzzz", "issuer": "https://login.example.com/realms/x",
            "settings.yml": "route:\n  receiver: default\nsmtp_auth_password: 'mail-P4ssword'\n", "notes": "one line\nand another\n",
            "tls.key": "-----BEGIN PRIVATE KEY-----\nMIIBVQIBADANBg0123\n-----END PRIVATE KEY-----\n", "tls.crt": "MIIBpublic0123456789"}}))
        .unwrap();
        Needles::of(&Vault::fill(Reading::Read(vec![secret]), Reading::NotRead, [].into()).2).unwrap()
    }

    fn seen(needles: &Needles, text: &str) -> Vec<(String, String)> {
        let hits = needles.in_text(text.as_bytes());
        let found = hits.into_iter().map(|hit| needles.found(hit, ""));
        found.map(|found| (found.key, found.form)).collect()
    }

    #[test]
    fn values_are_found_in_every_dress() {
        let needles = needles();
        for (dress, key, form) in [
            ("Tr0ub4dor&3<x", "database-password", "plain"),
            ("Tr0ub4dor\\u00263\\u003cx", "database-password", "plain"),
            ("Tr0ub4dor%263%3Cx", "database-password", "URL-encoded"),
            ("pa/ss-w0rd", "url", "plain"),
            ("mail-P4ssword", "settings.yml", "plain"),
            ("MIIBVQIBADANBg0123", "tls.key", "plain"),
        ] {
            assert_eq!(
                seen(&needles, &format!("a {dress} b")),
                [(key.into(), form.into())],
                "{dress}"
            );
        }
        for before in ["", "x", "xy"] {
            let text = BASE64_STANDARD.encode(format!("{before}Tr0ub4dor&3<x!"));
            assert_eq!(
                seen(&needles, &text),
                [("database-password".into(), "base64".into())],
                "{before}"
            );
        }
    }

    #[test]
    fn what_innocent_text_holds_is_left_out_and_listed() {
        let needles = needles();
        let innocent = "abc production zzzzzzzzzzzz integration_api_management receiver: default MIIBpublic0123456789 https://login.example.com/realms/x";
        assert_eq!(seen(&needles, innocent), []);
        let left: Vec<_> = needles.left_out.iter().map(|left| left.key.as_str()).collect();
        assert_eq!(left, ["issuer", "notes", "plain", "short", "word"]);
        assert_eq!(needles.values, 4);
    }

    #[test]
    fn a_value_is_found_however_the_stream_is_cut() {
        let needles = needles();
        let text = b"2026 login with Tr0ub4dor&3<x failed";
        for piece in 1..text.len() {
            let mut search = needles.search();
            text.chunks(piece).for_each(|piece| search.feed(piece));
            assert_eq!(search.hits().len(), 1, "pieces of {piece}");
        }
    }

    #[test]
    fn memory_does_not_grow_with_the_stream() {
        let needles = needles();
        let mut search = needles.search();
        for _ in 0..1000 {
            search.feed(&[b'a'; 4096]);
        }
        assert!(search.tail.len() < needles.longest && search.tail.capacity() < 64 << 10);
    }
}
