//! Redis from where the application stands: a key is written, read and expires.

use std::time::{Duration, Instant};

use redis::{AsyncCommands, aio::MultiplexedConnection};

use super::{Steps, settled, variable};
use crate::snapshot::sessions::ProbeResult;

/// Longest time for a connection, and for an expiry beyond its time to live.
const PATIENCE: Duration = Duration::from_secs(5);

/// Time to live of the key.
const TIME_TO_LIVE: Duration = Duration::from_millis(500);

/// Writes a key under an own prefix, reads it, sees it expire.
pub(super) async fn probe() -> ProbeResult {
    let mut steps = Steps::default();
    let connected = connect().await;
    if let Some(mut connection) = steps.step("reach", connected) {
        work(&mut steps, &mut connection).await;
    }
    steps.result("functional/cache", "wrote a key of its own, read it, and saw it expire")
}

async fn connect() -> Result<MultiplexedConnection, String> {
    let url = match variable(&["REDIS_URL", "CACHE_URL"]) {
        Some(url) => url,
        None => from_variables()?,
    };
    // The error is not repeated: it may quote the URL, and that holds the password.
    let client = redis::Client::open(url).map_err(|_| "the application's cache URL does not parse".to_owned())?;
    let connecting = tokio::time::timeout(PATIENCE, client.get_multiplexed_async_connection()).await;
    connecting
        .map_err(|_| "no answer in time".to_owned())?
        .map_err(|error| told(&error))
}

fn from_variables() -> Result<String, String> {
    let host = variable(&["REDIS_HOST", "CACHE_HOST"])
        .ok_or("the application's environment names no cache: REDIS_URL, REDIS_HOST")?;
    let port = variable(&["REDIS_PORT", "CACHE_PORT"]).unwrap_or_else(|| "6379".into());
    let password = variable(&["REDIS_PASSWORD", "CACHE_PASSWORD"]).unwrap_or_default();
    let user = variable(&["REDIS_USERNAME", "REDIS_USER"]).unwrap_or_default();
    Ok(format!("redis://{user}:{}@{host}:{port}", percent_encoded(&password)))
}

fn percent_encoded(text: &str) -> String {
    let letter = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text.bytes().map(letter).collect()
}

/// Redis's own words; they never hold the password.
fn told(error: &redis::RedisError) -> String {
    crate::report::escape(&error.to_string())
}

async fn work(steps: &mut Steps, connection: &mut MultiplexedConnection) {
    let key = format!("apimgmt:probe:{}", std::process::id());
    let ttl = u64::try_from(TIME_TO_LIVE.as_millis()).unwrap_or(500);
    let written: Result<(), _> = connection.pset_ex(&key, "new", ttl).await;
    if steps.step("write", written.map_err(|error| told(&error))).is_some() {
        let read: Result<Option<String>, _> = connection.get(&key).await;
        let read = read
            .map_err(|error| told(&error))
            .and_then(|value| match value.as_deref() {
                Some("new") => Ok(()),
                _ => Err("another value came back than was written".to_owned()),
            });
        steps.step("read", read);
        steps.step("expire", gone(connection, &key).await);
    }
    let _: Result<(), _> = connection.del(&key).await;
    match connection.exists::<_, u64>(&key).await {
        Ok(left) => steps.note("leftBehind", left),
        Err(error) => steps.note("leftBehind", told(&error)),
    }
}

/// Waits until the key is gone by itself.
async fn gone(connection: &mut MultiplexedConnection, key: &str) -> Result<(), String> {
    let began = Instant::now();
    while connection.exists::<_, bool>(key).await.map_err(|error| told(&error))? {
        if began.elapsed() > TIME_TO_LIVE + PATIENCE {
            return Err("the key outlived its time to live".into());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::percent_encoded;

    #[test]
    fn a_password_with_separators_stays_one_password() {
        assert_eq!(percent_encoded("a/b@c:d%é"), "a%2Fb%40c%3Ad%25%C3%A9");
    }
}
