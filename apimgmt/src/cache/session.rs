//! Opening a session to Redis, and what it means when Redis refuses one.

use std::{collections::BTreeMap, fmt, time::Duration};

use redis::{
    AsyncCommands, AsyncConnectionConfig, ErrorKind, RedisConnectionInfo, RedisError, aio::MultiplexedConnection,
};

use crate::snapshot::{collect::Stream, hostile};

/// Longest wait for one answer. The crate's own is half a second, which a Sentinel that looks up a name outlasts.
const ANSWER: Duration = Duration::from_secs(4);

/// Why there is no session or no answer; messages are the server's own and hold no password.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// The password or the user was refused.
    Refused(String),
    /// The server is up but answers with an error: it loads its data, or the user may not do this.
    Server(String),
    /// The stream ended.
    Other(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refused(words) | Self::Server(words) | Self::Other(words)) = self;
        formatter.write_str(words)
    }
}

/// A session.
pub(crate) struct Session(pub(super) MultiplexedConnection);

/// Opens a session as `user` (empty for `default`) with a password, or without logging in.
///
/// # Errors
/// When the server refuses or hangs up.
pub(crate) async fn open(stream: Stream, user: &str, password: Option<&str>) -> Result<Session, Failure> {
    let mut info = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(password) = password {
        info = info.set_password(password);
        if !user.is_empty() {
            info = info.set_username(user);
        }
    }
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER));
    let (connection, driver) = MultiplexedConnection::new_with_config(&info, stream, config)
        .await
        .map_err(|error| failure(&error))?;
    // Ends by itself when the connection is dropped.
    tokio::spawn(driver);
    Ok(Session(connection))
}

impl Session {
    /// `PONG`, or what the server says instead.
    pub(crate) async fn ping(&mut self) -> Result<String, Failure> {
        let answer: String = redis::cmd("PING")
            .query_async(&mut self.0)
            .await
            .map_err(|error| failure(&error))?;
        Ok(hostile::line(&answer))
    }

    /// Writes a key that expires by itself.
    pub(crate) async fn write(&mut self, key: &str, value: &str, time_to_live: Duration) -> Result<(), Failure> {
        let milliseconds = u64::try_from(time_to_live.as_millis()).unwrap_or(u64::MAX);
        self.0
            .pset_ex(key, value, milliseconds)
            .await
            .map_err(|error| failure(&error))
    }

    /// The value of a key; `None` when there is none.
    pub(crate) async fn read(&mut self, key: &str) -> Result<Option<String>, Failure> {
        self.0.get(key).await.map_err(|error| failure(&error))
    }

    /// Deletes a key, and tells whether it was there.
    pub(crate) async fn delete(&mut self, key: &str) -> Result<bool, Failure> {
        self.0.del(key).await.map_err(|error| failure(&error))
    }

    /// The fields of INFO by name.
    pub(crate) async fn info(&mut self) -> Result<BTreeMap<String, String>, Failure> {
        let text: String = redis::cmd("INFO")
            .query_async(&mut self.0)
            .await
            .map_err(|error| failure(&error))?;
        Ok(fields(&text))
    }

    /// Parameters of the server by name; those that it does not know are left out. Never one that holds a password.
    pub(crate) async fn config(&mut self, names: &[&str]) -> Result<BTreeMap<String, String>, Failure> {
        let mut parameters = BTreeMap::new();
        for name in names {
            let found: BTreeMap<String, String> = redis::cmd("CONFIG")
                .arg("GET")
                .arg(name)
                .query_async(&mut self.0)
                .await
                .map_err(|error| failure(&error))?;
            parameters.extend(found.get(*name).map(|value| ((*name).to_owned(), hostile::line(value))));
        }
        Ok(parameters)
    }
}

fn fields(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.trim_end().split_once(':'))
        .map(|(name, value)| (hostile::capped(name, 64), hostile::line(value)))
        .collect()
}

pub(super) fn failure(error: &RedisError) -> Failure {
    let code = error.code().unwrap_or_default();
    // Replies stand in the error as code and detail; the text of the crate around them says nothing more.
    let words = match (code, error.detail()) {
        ("", _) => hostile::line(&error.to_string()),
        (code, Some(detail)) => hostile::line(&format!("{code} {detail}")),
        (code, None) => hostile::line(code),
    };
    match code {
        "WRONGPASS" | "NOAUTH" => Failure::Refused(words),
        // The crate keeps the server's words to itself here.
        _ if error.kind() == ErrorKind::AuthenticationFailed => {
            Failure::Refused("the user or password was refused (WRONGPASS)".into())
        }
        "" if error.is_io_error() || error.is_connection_dropped() => Failure::Other(words),
        _ => Failure::Server(words),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn info_is_read_by_name() {
        let fields = super::fields(
            "# Server\r\nredis_version:7.0.15\r\n\r\n# Replication\r\nrole:master\r\nexecutable:/usr/bin/x:y\r\n",
        );
        assert_eq!(fields["redis_version"], "7.0.15");
        assert_eq!(fields["executable"], "/usr/bin/x:y");
        assert_eq!(fields.len(), 3);
    }
}
