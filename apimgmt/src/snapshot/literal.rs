//! Plain text from pod templates, reduced so that no password survives its arrival.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Literals longer than this are not kept: nothing that a unit judges is that long.
const LONGEST: usize = 256;

/// A literal value of an environment variable or an argument: kept when harmless, else only its length.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Literal {
    kept: Option<String>,
    length: usize,
}

impl Literal {
    /// Reduces the value of the variable or flag `name`.
    pub fn reduce(name: &str, value: &str) -> Self {
        let kept = (value.len() <= LONGEST && !names_a_secret(name) && !looks_generated(value))
            .then(|| without_user_information(value));
        Self {
            kept,
            length: value.len(),
        }
    }

    /// Reads the value of the variable `name` from the cluster or from a recording, where it may be withheld already.
    pub(crate) fn read(name: &str, text: &str) -> Self {
        let withheld = text
            .strip_prefix('<')
            .and_then(|rest| rest.strip_suffix(" bytes withheld>"));
        match withheld.and_then(|length| length.parse().ok()) {
            Some(length) => Self { kept: None, length },
            None => Self::reduce(name, text),
        }
    }

    /// The text, when it was harmless.
    pub fn text(&self) -> Option<&str> {
        self.kept.as_deref()
    }

    /// Length of the original in bytes.
    pub fn len(&self) -> usize {
        self.length
    }

    /// Whether the original was empty.
    pub fn is_empty(&self) -> bool {
        self.length == 0
    }
}

impl Serialize for Literal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.kept {
            Some(text) => serializer.serialize_str(text),
            None => serializer.serialize_str(&format!("<{} bytes withheld>", self.length)),
        }
    }
}

impl<'de> Deserialize<'de> for Literal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::read("", &String::deserialize(deserializer)?))
    }
}

/// Whether a name says that its value is secret.
pub(crate) fn names_a_secret(name: &str) -> bool {
    const WORDS: [&str; 8] = [
        "password",
        "passwd",
        "secret",
        "token",
        "apikey",
        "api_key",
        "private",
        "credential",
    ];
    let name = name.to_ascii_lowercase();
    WORDS.iter().any(|word| name.contains(word)) && !name.ends_with("_file")
}

/// Whether a value looks like a generated key: long, without separators of words, letters mixed with digits.
fn looks_generated(value: &str) -> bool {
    value
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '+' && letter != '=')
        .any(|word| {
            word.len() >= 20
                && word.bytes().any(|byte| byte.is_ascii_digit())
                && word.bytes().any(|byte| byte.is_ascii_alphabetic())
        })
}

/// Cuts `user:password@` to `user@` in every URL, and the values of parameters that name a secret.
fn without_user_information(value: &str) -> String {
    let Some((scheme, rest)) = value.split_once("://") else {
        return without_secret_parameters(value);
    };
    let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(authority_end);
    let authority = match authority.rsplit_once('@') {
        Some((user, host)) => format!("{}@{host}", user.split(':').next().unwrap_or_default()),
        None => authority.to_owned(),
    };
    format!("{scheme}://{authority}{}", without_secret_parameters(path))
}

/// `key=value` pairs between blanks, `&`, `;` and `?` keep their value only when the key names no secret.
fn without_secret_parameters(text: &str) -> String {
    text.split_inclusive([' ', '&', ';', '?', ','])
        .map(|part| match part.split_once('=') {
            Some((key, value)) if names_a_secret(key) => {
                let separator = value
                    .chars()
                    .last()
                    .filter(|last| [' ', '&', ';', '?', ','].contains(last));
                format!("{key}=…{}", separator.map(String::from).unwrap_or_default())
            }
            _ => part.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::Literal;

    #[test]
    fn a_password_never_survives() {
        let text = |name: &str, value: &str| Literal::reduce(name, value).text().map(str::to_owned);
        assert_eq!(text("DB_PASSWORD", "hunter2"), None);
        assert_eq!(
            text("URL", "postgres://app:hunter2@postgres:5432/shop").as_deref(),
            Some("postgres://app@postgres:5432/shop")
        );
        assert_eq!(
            text("", "host=postgres password=hunter2 user=app").as_deref(),
            Some("host=postgres password=… user=app")
        );
        assert_eq!(
            text("KEY_ID", "AKIA4EXAMPLE7EXAMPLE9"),
            None,
            "a generated key under a harmless name"
        );
        assert_eq!(text("REDIS_HOST", "redis.shop.svc").as_deref(), Some("redis.shop.svc"));
        assert_eq!(
            text("DB_PASSWORD_FILE", "/run/secrets/db").as_deref(),
            Some("/run/secrets/db")
        );
    }

    #[test]
    fn a_withheld_value_keeps_its_length_through_a_recording() {
        let written = serde_json::to_string(&Literal::reduce("TOKEN", "abcdef")).unwrap();
        let read: Literal = serde_json::from_str(&written).unwrap();
        assert_eq!((read.text(), read.len()), (None, 6));
    }
}
