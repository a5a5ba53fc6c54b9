//! The pool of database connections.
use std::time::Duration;

use deadpool_postgres::{
    Hook, HookError, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime, Timeouts,
};
use tokio_postgres::{Config, NoTls, config::Host};

use crate::{dependencies, problem::Problem};

/// How long a request waits for a connection, new or used.
const WAIT: Duration = Duration::from_secs(2);

/// The pool and what it connects to.
pub(crate) struct Database {
    pool: Pool,
    config: Config,
    target: String,
}

impl Database {
    /// Makes the pool; connections are opened when they are needed.
    pub(crate) fn new(config: Config, size: usize) -> Self {
        let manager = Manager::from_config(
            config.clone(),
            NoTls,
            ManagerConfig {
                recycling_method: RecyclingMethod::Fast,
            },
        );
        let limit_statements = Hook::async_fn(|client: &mut deadpool_postgres::ClientWrapper, _| {
            Box::pin(async move {
                client
                    .batch_execute("set statement_timeout = '5s'")
                    .await
                    .map_err(HookError::Backend)
            })
        });
        let pool = Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(WAIT),
                create: Some(WAIT),
                recycle: Some(WAIT),
            })
            .post_create(limit_statements)
            .build()
            .expect("a runtime is set");
        let target = target(&config);
        Self { pool, config, target }
    }

    /// A connection, waiting for a free one.
    pub(crate) async fn connection(&self) -> Result<Object, PoolError> {
        self.pool.get().await
    }

    /// The same for a request, which is answered 503 if there is none.
    pub(crate) async fn for_request(&self) -> Result<Object, Problem> {
        self.connection()
            .await
            .map_err(|error| Problem::unavailable("database", &self.describe(&error)))
    }

    /// Why a connection failed, naming the server.
    pub(crate) fn describe(&self, error: &PoolError) -> String {
        match error {
            PoolError::Timeout(kind) => format!(
                "no connection to {} within {} s ({kind:?}; {} of {} in use)",
                self.target,
                WAIT.as_secs(),
                self.in_use(),
                self.pool.status().max_size
            ),
            PoolError::Backend(error) => dependencies::describe_connection(error, &self.target),
            other => dependencies::describe_connection(other, &self.target),
        }
    }

    pub(crate) fn target(&self) -> &str {
        &self.target
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Connections by state, for the metrics.
    pub(crate) fn connections(&self) -> [(&'static str, usize); 4] {
        let status = self.pool.status();
        [
            ("in_use", self.in_use()),
            ("idle", status.available),
            ("waiting", status.waiting),
            ("maximum", status.max_size),
        ]
    }

    fn in_use(&self) -> usize {
        let status = self.pool.status();
        status.size.saturating_sub(status.available)
    }
}

/// `host:port` of the first server.
pub(crate) fn target(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        Some(Host::Unix(path)) => path.display().to_string(),
        None => "localhost".to_owned(),
    };
    format!("{host}:{}", config.get_ports().first().copied().unwrap_or(5432))
}
