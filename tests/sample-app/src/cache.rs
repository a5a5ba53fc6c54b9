//! Redis: keys of clients under `/api/v1/cache/`, and the copies of APIs that `apis.rs` reads first.
use std::{sync::Arc, time::Duration};

use axum::{
    body::Bytes,
    extract::{Path, Query, State, rejection::BytesRejection},
    http::{HeaderName, StatusCode},
    response::{IntoResponse, Response},
};
use redis::{
    Client, Cmd, ConnectionAddr, ConnectionInfo, FromRedisValue, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};
use serde::Deserialize;

use crate::{app::App, dependencies, masters::Masters, problem::Problem, settings::RedisSettings};

const LIMIT: Duration = Duration::from_secs(1);
const DEFAULT_TTL_SECONDS: u64 = 300;
const MAXIMUM_TTL_SECONDS: u64 = 86_400;
const TTL_HEADER: HeaderName = HeaderName::from_static("x-ttl-seconds");

/// One connection for all requests.
pub(crate) struct Cache {
    way: Way,
    target: String,
}

/// How commands get there.
enum Way {
    /// To one server; the connection comes back by itself.
    Server(ConnectionManager),
    /// To the one that Sentinels name.
    Master(Box<Masters>),
}

impl Cache {
    /// Prepares the connection; it is made when it is first needed.
    pub(crate) fn new(settings: RedisSettings) -> Result<Self, RedisError> {
        match settings {
            RedisSettings::Server(info) => Self::of_server(info),
            RedisSettings::Sentinels(sentinels) => Ok(Self {
                target: sentinels.named.clone(),
                way: Way::Master(Box::new(Masters::new(sentinels, LIMIT)?)),
            }),
        }
    }

    fn of_server(info: ConnectionInfo) -> Result<Self, RedisError> {
        let target = match info.addr() {
            ConnectionAddr::Tcp(host, port) => format!("{host}:{port}"),
            other => other.to_string(),
        };
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(LIMIT))
            .set_response_timeout(Some(LIMIT))
            // Callers have their own deadlines and retries.
            .set_number_of_retries(0);
        let connection = ConnectionManager::new_lazy_with_config(Client::open(info)?, config)?;
        Ok(Self {
            way: Way::Server(connection),
            target,
        })
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    /// Whether Redis answers, or in words why not.
    pub(crate) async fn ping(&self) -> Result<(), String> {
        let ping = redis::cmd("PING");
        let mut answer: Result<String, RedisError> = self.ask(&ping).await;
        // The first command after a restart of Redis only finds out that the old connection is gone.
        if answer.as_ref().is_err_and(RedisError::is_connection_dropped) {
            answer = self.ask(&ping).await;
        }
        answer.map(drop).map_err(|error| self.describe(&error))
    }

    /// Why a command failed, naming the server.
    pub(crate) fn describe(&self, error: &RedisError) -> String {
        // Its own test, because the crate hides the operating system's error from `source`.
        if error.is_connection_refusal() {
            return format!("connection refused {}", self.target);
        }
        dependencies::describe_connection(error, &self.target)
    }

    fn unavailable(&self, error: &RedisError) -> Problem {
        Problem::unavailable("cache", &self.describe(error))
    }

    pub(crate) async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, RedisError> {
        self.ask(&Cmd::get(key)).await
    }

    pub(crate) async fn put(&self, key: &str, value: &[u8], ttl: Duration) -> Result<(), RedisError> {
        self.ask(&Cmd::set_ex(key, value, ttl.as_secs().max(1))).await
    }

    pub(crate) async fn delete(&self, key: &str) -> Result<bool, RedisError> {
        self.ask(&Cmd::del(key)).await
    }

    async fn ttl(&self, key: &str) -> Result<i64, RedisError> {
        self.ask(&Cmd::ttl(key)).await
    }

    async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        match &self.way {
            Way::Server(connection) => command.query_async(&mut connection.clone()).await,
            Way::Master(masters) => masters.ask(command).await,
        }
    }
}

#[derive(Deserialize)]
pub(crate) struct PutQuery {
    ttl: Option<u64>,
}

/// `GET /api/v1/cache/{key}`
pub(crate) async fn get_key(State(app): State<Arc<App>>, Path(key): Path<String>) -> Result<Response, Problem> {
    let stored = stored_key(&key)?;
    let value = app.cache.get(&stored).await;
    app.metrics.cache_request(&value);
    let Some(value) = value.map_err(|error| app.cache.unavailable(&error))? else {
        return Err(Problem::not_found(format!("no key `{key}`")));
    };
    let ttl = app
        .cache
        .ttl(&stored)
        .await
        .map_err(|error| app.cache.unavailable(&error))?;
    Ok(([(TTL_HEADER, ttl.to_string())], value).into_response())
}

/// `PUT /api/v1/cache/{key}?ttl=SECONDS`
pub(crate) async fn put_key(
    State(app): State<Arc<App>>,
    Path(key): Path<String>,
    Query(PutQuery { ttl }): Query<PutQuery>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Problem> {
    let ttl = ttl.unwrap_or(DEFAULT_TTL_SECONDS);
    if !(1..=MAXIMUM_TTL_SECONDS).contains(&ttl) {
        return Err(Problem::invalid(format!(
            "ttl must be 1 to {MAXIMUM_TTL_SECONDS} seconds"
        )));
    }
    let stored = stored_key(&key)?;
    app.cache
        .put(&stored, &body?, Duration::from_secs(ttl))
        .await
        .map_err(|error| app.cache.unavailable(&error))?;
    Ok(StatusCode::NO_CONTENT)
}

/// `DELETE /api/v1/cache/{key}`
pub(crate) async fn delete_key(State(app): State<Arc<App>>, Path(key): Path<String>) -> Result<StatusCode, Problem> {
    match app.cache.delete(&stored_key(&key)?).await {
        Ok(true) => Ok(StatusCode::NO_CONTENT),
        Ok(false) => Err(Problem::not_found(format!("no key `{key}`"))),
        Err(error) => Err(app.cache.unavailable(&error)),
    }
}

/// Keys of clients live under their own prefix, so they can't reach the copies of APIs.
fn stored_key(key: &str) -> Result<String, Problem> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    if key.is_empty() || key.len() > 200 || !key.bytes().all(allowed) {
        return Err(Problem::invalid(
            "a key is 1 to 200 letters, digits, `.`, `_`, `:` and `-`",
        ));
    }
    Ok(format!("cache:{key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_under_their_prefix() {
        assert_eq!(stored_key("a.b:c-1_2").unwrap(), "cache:a.b:c-1_2");
        for wrong in ["", "a b", "ä", "a\n", &"x".repeat(201)] {
            assert_eq!(
                stored_key(wrong).unwrap_err().status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{wrong}"
            );
        }
    }
}
