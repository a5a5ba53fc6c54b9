//! Values that somebody meant to replace: samples, defaults, blanks.

/// Words that are no secret anywhere.
const ALWAYS: &[&str] = &[
    "changeme",
    "change-me",
    "change_me",
    "changeit",
    "replaceme",
    "replace-me",
    "replace_me",
    "placeholder",
    "todo",
    "tbd",
    "fixme",
    "dummy",
    "sample",
    "example",
    "your-password",
    "your_password",
    "yourpassword",
    "your-secret",
    "your-api-key",
    "my-secret",
    "mysecretpassword",
    "supersecret",
    "super-secret",
    "insert-password-here",
    "none",
    "null",
    "undefined",
];

/// Words that are no secret, but may be a user or a database.
const AS_PASSWORD: &[&str] = &[
    "password",
    "passw0rd",
    "p@ssw0rd",
    "password1",
    "password123",
    "pass",
    "secret",
    "secret123",
    "postgres",
    "postgresql",
    "redis",
    "admin",
    "root",
    "test",
    "test123",
    "demo",
    "default",
    "guest",
    "123456",
    "12345678",
    "1234",
    "12345",
    "qwerty",
    "letmein",
    "api_management",
    "api-management",
];

/// Parts that only a template has.
const INSIDE: &[&str] = &[
    "replace_me",
    "replace-me",
    "replaceme",
    "changeme",
    "change-me",
    "change_me",
    "{{",
    "your-password-here",
];

/// Keys whose values are names, not secrets.
const NAMES: &[&str] = &[
    "user",
    "username",
    "database",
    "dbname",
    "db",
    "host",
    "hostname",
    "port",
    "name",
    "url",
    "schema",
    "admin-user",
];

/// Whether the value of a key is a known sample or a blank to be filled in.
pub(super) fn is_placeholder(key: &str, value: &str) -> bool {
    let value = value.trim().to_ascii_lowercase();
    let bracketed =
        |open, close| value.len() > 2 && value.starts_with(open) && value.ends_with(close) && !value.contains('\n');
    let repeated = value.len() >= 3 && value.bytes().all(|byte| byte == b'x' || byte == b'*');
    ALWAYS.contains(&value.as_str())
        || INSIDE.iter().any(|part| value.contains(part))
        || bracketed('<', '>')
        || value.starts_with("${") && value.ends_with('}')
        || repeated
        || (!names_something(key) && AS_PASSWORD.contains(&value.as_str()))
}

/// Whether a key says that its value is a name or an address: known to everybody, and no secret.
pub(crate) fn names_something(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    NAMES
        .iter()
        .any(|name| key == *name || key.ends_with(&format!("_{name}")) || key.ends_with(&format!("-{name}")))
}
