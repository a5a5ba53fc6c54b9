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
    let tls = Connector::new(&credentials.host, verify).map_err(|error| Failure::Other(error.to_string()))?;
    let (client, connection) = config.connect_raw(stream, tls).await.map_err(|error| failure(&error))?;
    // Ends by itself when the client is dropped.
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}

fn failure(error: &tokio_postgres::Error) -> Failure {
    let Some(said) = error.as_db_error() else {
        return Failure::Other(in_words(error));
    };
    let message = server_words(said);
    match *said.code() {
        SqlState::INVALID_PASSWORD | SqlState::INVALID_AUTHORIZATION_SPECIFICATION => Failure::Refused(message),
        SqlState::INVALID_CATALOG_NAME => Failure::NoDatabase(message),
        SqlState::TOO_MANY_CONNECTIONS => Failure::Full(message),
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
