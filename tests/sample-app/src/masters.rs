//! The Redis that takes writes, as Sentinels name it: one connection to it, and after a failover one to the next.
use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Cmd, ErrorKind, FromRedisValue, RedisError, RedisResult,
    aio::MultiplexedConnection,
    sentinel::{SentinelClient, SentinelNodeConnectionInfo, SentinelServerType},
};
use tokio::time::timeout;

use crate::settings::Sentinels;

/// What a server answers that is no master, or not yet.
const NOT_THE_MASTER: [&str; 3] = ["READONLY", "MASTERDOWN", "LOADING"];

/// A connection, and how many there were before it: who finds it useless must not throw away its successor.
#[derive(Clone)]
struct Current {
    number: u64,
    connection: MultiplexedConnection,
}

/// The way to the master.
pub(crate) struct Masters {
    /// Asked by one task at a time.
    sentinels: tokio::sync::Mutex<(SentinelClient, u64)>,
    current: Mutex<Option<Current>>,
    limit: Duration,
}

impl Masters {
    /// Prepares it; Sentinels are asked when a connection is needed.
    pub(crate) fn new(sentinels: Sentinels, limit: Duration) -> RedisResult<Self> {
        let node = SentinelNodeConnectionInfo::default()
            .set_redis_connection_info(sentinels.server.redis_settings().clone())
            .set_tcp_settings(sentinels.server.tcp_settings().clone());
        let client = SentinelClient::build(
            sentinels.addresses,
            sentinels.master,
            Some(node),
            SentinelServerType::Master,
        )?;
        Ok(Self {
            sentinels: tokio::sync::Mutex::new((client, 0)),
            current: Mutex::new(None),
            limit,
        })
    }

    /// The answer to a command. Where the master has changed, the next one is asked instead: each command here may be
    /// repeated.
    pub(crate) async fn ask<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let answer = self.ask_once(command).await;
        if answer.as_ref().is_err_and(has_gone) {
            return self.ask_once(command).await;
        }
        answer
    }

    async fn ask_once<T: FromRedisValue>(&self, command: &Cmd) -> RedisResult<T> {
        let mut current = self.current().await?;
        let mut doubt = Doubt {
            masters: self,
            number: Some(current.number),
        };
        let answer = command.query_async(&mut current.connection).await;
        if !answer.as_ref().is_err_and(has_gone) {
            doubt.number = None;
        }
        answer
    }

    async fn current(&self) -> RedisResult<Current> {
        if let Some(current) = self.known() {
            return Ok(current);
        }
        let mut asked = self.sentinels.lock().await;
        // Found by another task while this one waited.
        if let Some(current) = self.known() {
            return Ok(current);
        }
        let (client, number) = &mut *asked;
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.limit))
            .set_response_timeout(Some(self.limit));
        let connection = timeout(self.limit * 2, client.get_async_connection_with_config(&config))
            .await
            .unwrap_or_else(|_| {
                let why = "the Sentinels name no master that answers";
                Err(RedisError::from((ErrorKind::Io, why)))
            })?;
        *number += 1;
        let current = Current {
            number: *number,
            connection,
        };
        *self.slot() = Some(current.clone());
        Ok(current)
    }

    fn known(&self) -> Option<Current> {
        self.slot().clone()
    }

    fn forget(&self, number: u64) {
        let mut slot = self.slot();
        if slot.as_ref().is_some_and(|current| current.number == number) {
            *slot = None;
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Current>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Forgets a connection unless it answered: also when whoever asked has given up waiting, as health checks do sooner
/// than the connection itself.
struct Doubt<'a> {
    masters: &'a Masters,
    number: Option<u64>,
}

impl Drop for Doubt<'_> {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.masters.forget(number);
        }
    }
}

/// Whether another server should be looked for.
fn has_gone(error: &RedisError) -> bool {
    error.is_io_error()
        || error.is_timeout()
        || error.is_connection_dropped()
        || error.code().is_some_and(|code| NOT_THE_MASTER.contains(&code))
}
