//! The database and the cache as seen from here: whether they answer, and in plain words why not.
use std::{error::Error, io, process::ExitCode, sync::Arc, time::Duration};

use tokio::time::{Instant, sleep, timeout};
use tracing::{error, info, warn};

use crate::app::App;

/// A check that takes longer has failed; readiness must answer within a second.
const CHECK_LIMIT: Duration = Duration::from_millis(800);
const FIRST_RETRY: Duration = Duration::from_millis(200);
const LAST_RETRY: Duration = Duration::from_secs(5);

/// One dependency's state at one moment.
pub(crate) struct Observation {
    pub(crate) name: &'static str,
    pub(crate) target: String,
    pub(crate) latency: Duration,
    /// What it told (a schema version), or why it can't be used.
    pub(crate) outcome: Result<Option<i64>, String>,
}

/// Looks at every dependency at once.
pub(crate) async fn observe(app: &App) -> [Observation; 2] {
    let database = measure("database", app.database.target().to_owned(), app.schema_version());
    let cache = measure("cache", app.cache.target().to_owned(), async {
        app.cache.ping().await.map(|()| None)
    });
    let observations = tokio::join!(database, cache);
    let observations = [observations.0, observations.1];
    for observation in &observations {
        app.metrics.dependency(observation.name, observation.outcome.is_ok());
    }
    observations
}

async fn measure(
    name: &'static str,
    target: String,
    check: impl Future<Output = Result<Option<i64>, String>>,
) -> Observation {
    let start = Instant::now();
    let outcome = timeout(CHECK_LIMIT, check)
        .await
        .unwrap_or_else(|_| Err(format!("no answer from {target} within {} ms", CHECK_LIMIT.as_millis())));
    Observation {
        name,
        target,
        latency: start.elapsed(),
        outcome,
    }
}

/// Retries until every dependency has answered once, and keeps an eye on them from then on. It ends only where an
/// illness asks for it.
pub(crate) async fn watch(app: Arc<App>) -> ExitCode {
    let mut retry = FIRST_RETRY;
    let mut all_were_up = false;
    loop {
        let mut all_up = true;
        for Observation {
            name, target, outcome, ..
        } in observe(&app).await
        {
            let Err(why) = outcome else { continue };
            all_up = false;
            if app.illness.exit_on_dependency {
                error!(
                    dependency = name,
                    target,
                    error = why,
                    "dependency can't be used, exiting"
                );
                return ExitCode::FAILURE;
            }
            warn!(dependency = name, target, error = why, retry_in = ?retry, "dependency can't be used");
        }
        if all_up && !all_were_up {
            info!("every dependency answers");
        }
        all_were_up = all_up;
        retry = if all_up {
            FIRST_RETRY
        } else {
            (retry * 2).min(LAST_RETRY)
        };
        sleep(if all_up { LAST_RETRY } else { retry }).await;
    }
}

/// An error with its sources on one line. The operating system's refusals come as `connection refused`, and a
/// database error with its SQLSTATE.
pub(crate) fn describe(error: &(dyn Error + 'static)) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut next = Some(error);
    while let Some(current) = next {
        let text = if let Some(database) = current.downcast_ref::<tokio_postgres::error::DbError>() {
            format!("{} (SQLSTATE {})", database.message(), database.code().code())
        } else {
            current.to_string()
        };
        // Many errors already end with the text of their source.
        if !parts.last().is_some_and(|last| last.ends_with(&text)) {
            parts.push(text);
        }
        next = current.source();
    }
    parts.join(": ")
}

/// The same for a connection to a known address: `connection refused postgres:5432`.
pub(crate) fn describe_connection(error: &(dyn Error + 'static), target: &str) -> String {
    let mut next = Some(error);
    while let Some(current) = next {
        let kind = current.downcast_ref::<io::Error>().map(io::Error::kind);
        match kind {
            Some(io::ErrorKind::ConnectionRefused) => return format!("connection refused {target}"),
            Some(io::ErrorKind::TimedOut) => return format!("connection timed out {target}"),
            _ => next = current.source(),
        }
    }
    format!("{} ({target})", describe(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_connection_names_its_target() {
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        assert_eq!(
            describe_connection(&refused, "postgres:5432"),
            "connection refused postgres:5432"
        );
    }

    #[test]
    fn sources_are_joined_without_repetition() {
        #[derive(Debug, thiserror::Error)]
        #[error("pool: {0}")]
        struct Outer(#[source] io::Error);
        let error = Outer(io::Error::other("no route"));
        assert_eq!(describe(&error), "pool: no route");
    }
}
