//! Redis: sessions over any stream, with the application's credentials.

mod access;
mod parting_words;
mod sentinel;
mod session;
mod slow_log;

pub(crate) use session::{Failure, Session, open};

use crate::snapshot::collect::Words;

/// The usual port.
pub(crate) const PORT: u16 = 6379;

/// What applications call the parts of a cache's address.
pub(crate) const WORDS: Words = Words {
    schemes: &["redis", "rediss"],
    dsn: &[
        "REDIS_URL",
        "REDIS_DSN",
        "CACHE_URL",
        "VALKEY_URL",
        "SPRING_DATA_REDIS_URL",
    ],
    host: &["REDIS_HOST", "CACHE_HOST", "VALKEY_HOST", "SPRING_DATA_REDIS_HOST"],
    port: &["REDIS_PORT", "CACHE_PORT", "VALKEY_PORT", "SPRING_DATA_REDIS_PORT"],
    user: &[
        "REDIS_USER",
        "REDIS_USERNAME",
        "CACHE_USER",
        "SPRING_DATA_REDIS_USERNAME",
    ],
    password: &[
        "REDIS_PASSWORD",
        "REDIS_PASS",
        "CACHE_PASSWORD",
        "VALKEY_PASSWORD",
        "SPRING_DATA_REDIS_PASSWORD",
    ],
    database: &["REDIS_DB", "REDIS_DATABASE"],
};

/// What the server's own pods call the password of the user `default`.
pub(crate) const SERVER_PASSWORDS: &[&str] = &["REDISCLI_AUTH", "REDIS_PASSWORD", "VALKEYCLI_AUTH", "VALKEY_PASSWORD"];
