//! Opening a session, and what it means when PostgreSQL refuses one.

use std::fmt;

use tokio_postgres::{
    Client, Config,
    config::SslMode,
    error::{DbError, SqlState},
};

use super::tls::Connector;
use crate::snapshot::{
    collect::{Credentials, Stream},
    hostile,
};

/// Why there is no session; messages are the server's own and hold no password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The password or the user was refused.
    Refused(String),
    /// The login was accepted, but there is no such database.
    NoDatabase(String),
    /// The server has no connection left for this role.
    Full(String),
    /// Anything else: the stream ended, the server is starting.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refused(words) | Self::NoDatabase(words) | Self::Full(words) | Self::Other(words)) = self;
        formatter.write_str(words)
    }
}

/// Opens a session to `database` over `stream` with these credentials and this password.
///
/// # Errors
/// When the server refuses or hangs up.
pub(crate) async fn open(
    stream: Stream,
    credentials: &Credentials,
    password: &[u8],
    database: &str,
) -> Result<Client, Failure> {
    connected(stream, credentials, password, database)
        .await
        .map_err(|error| match error {
            Unconnected::Here(words) => Failure::Other(words),
            Unconnected::There(error) => failure(&error),
        })
}

/// Whether it is no server that answers but `PgBouncer`: only that has a database of this name for its own console, and
/// speaks of a breach of protocol to whoever may not enter it.
pub(crate) async fn is_pooler(stream: Stream, credentials: &Credentials, password: &[u8]) -> bool {
    match connected(stream, credentials, password, "pgbouncer").await {
        Ok(console) => console.simple_query("show version").await.is_ok(),
        Err(Unconnected::There(error)) => error.code() == Some(&SqlState::PROTOCOL_VIOLATION),
        Err(Unconnected::Here(_)) => false,
    }
}

/// Why there is no connection.
enum Unconnected {
    /// It was not tried.
    Here(String),
    /// It was refused or broke.
    There(tokio_postgres::Error),
}

async fn connected(
    stream: Stream,
    credentials: &Credentials,
    password: &[u8],
    database: &str,
) -> Result<Client, Unconnected> {
    let mode = credentials.tls.as_deref().unwrap_or("prefer");
    let mut config = Config::new();
    config
        .user(&credentials.user)
        .password(password)
        .dbname(database)
        .application_name("apimgmt")
        .ssl_mode(match mode {
            "disable" | "allow" => SslMode::Disable,
            "prefer" => SslMode::Prefer,
            _ => SslMode::Require,
        });
    let verify = mode.starts_with("verify");
    let tls = Connector::new(&credentials.host, verify).map_err(|error| Unconnected::Here(error.to_string()))?;
    let (client, connection) = config.connect_raw(stream, tls).await.map_err(Unconnected::There)?;
    // Ends by itself when the client is dropped.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}

/// `PgBouncer`'s words for a login that it does not accept.
const POOLER_REFUSES: [&str; 3] = [
    "SASL authentication failed",
    "password authentication failed",
    "no such user",
];
/// `PgBouncer`'s words when it has no place for a client, or no connection to the server for it.
const POOLER_IS_FULL: [&str; 2] = ["no more connections allowed", "query_wait_timeout"];

fn failure(error: &tokio_postgres::Error) -> Failure {
    let Some(said) = error.as_db_error() else {
        return Failure::Other(in_words(error));
    };
    let message = server_words(said);
    let starts = |words: &[&str]| words.iter().any(|words| said.message().starts_with(words));
    match *said.code() {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Failure::Refused(message),
        SqlState::INVALID_CATALOG_NAME => Failure::NoDatabase(message),
        SqlState::TOO_MANY_CONNECTIONS => Failure::Full(message),
        // PgBouncer has this one code for whatever it says itself.
        SqlState::PROTOCOL_VIOLATION if starts(&POOLER_REFUSES) => Failure::Refused(message),
        SqlState::PROTOCOL_VIOLATION if starts(&POOLER_IS_FULL) => Failure::Full(message),
        _ => Failure::Other(message),
    }
}

/// What the server said, with its code: `password authentication failed for user "app" (28P01)`.
pub(super) fn server_words(said: &DbError) -> String {
    hostile::line(&format!("{} ({})", said.message(), said.code().code()))
}

/// An error of the client, without its layers' repetition.
pub(crate) fn in_words(error: &tokio_postgres::Error) -> String {
    if error.is_closed() {
        return "the server hung up".into();
    }
    error
        .as_db_error()
        .map_or_else(|| hostile::line(&crate::snapshot::collect::chain(error)), server_words)
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

    use super::{Failure, is_pooler, open};
    use crate::snapshot::collect::Credentials;

    fn credentials() -> Credentials {
        Credentials {
            user: "app".into(),
            tls: Some("disable".into()),
            ..Credentials::default()
        }
    }

    /// A server that answers the greeting with one error, as PostgreSQL and `PgBouncer` do when they refuse.
    fn refusing(code: &'static str, words: &'static str) -> DuplexStream {
        let (here, mut there) = duplex(4096);
        tokio::spawn(async move {
            let length = there.read_u32().await.unwrap();
            let mut greeting = vec![0; length as usize - 4];
            there.read_exact(&mut greeting).await.unwrap();
            let fields = format!("SFATAL\0C{code}\0M{words}\0\0");
            let mut answer = vec![b'E'];
            answer.extend(u32::try_from(fields.len() + 4).unwrap().to_be_bytes());
            answer.extend(fields.as_bytes());
            there.write_all(&answer).await.unwrap();
        });
        here
    }

    #[tokio::test]
    async fn what_pgbouncer_refuses_means_the_same_as_with_a_server() {
        // The words of PgBouncer 1.18; it has no other code.
        let refused = "SASL authentication failed";
        let full = "no more connections allowed (max_client_conn)";
        for (said, expected) in [
            (refused, Failure::Refused(format!("{refused} (08P01)"))),
            (full, Failure::Full(format!("{full} (08P01)"))),
            ("query_wait_timeout", Failure::Full("query_wait_timeout (08P01)".into())),
            (
                "no such database: shop",
                Failure::Other("no such database: shop (08P01)".into()),
            ),
        ] {
            let stream = Box::new(refusing("08P01", said));
            let failure = open(stream, &credentials(), b"", "shop").await.err().unwrap();
            assert_eq!(failure, expected);
        }
    }

    #[tokio::test]
    async fn only_a_pooler_speaks_of_protocol_when_its_console_is_asked_for() {
        for (code, words, pooler) in [
            ("08P01", "not allowed", true),
            ("3D000", "database \"pgbouncer\" does not exist", false),
            ("28P01", "password authentication failed for user \"app\"", false),
            ("28000", "no pg_hba.conf entry for host", false),
        ] {
            let stream = Box::new(refusing(code, words));
            assert_eq!(is_pooler(stream, &credentials(), b"").await, pooler, "{words}");
        }
    }
}
