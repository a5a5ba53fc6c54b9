//! Everything that requests share.
use std::{
    ops::RangeInclusive,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    cache::Cache,
    database::Database,
    files::Files,
    gateway::Gateway,
    illness::{ConnectionLeak, Illness},
    metrics::Metrics,
    migrations,
    rate_limit::RateLimit,
    tokens::Verifier,
    traces::Tracer,
};

/// The application's parts, made once at the start.
pub(crate) struct App {
    pub(crate) database: Database,
    pub(crate) cache: Cache,
    pub(crate) gateway: Gateway,
    pub(crate) files: Files,
    /// `None`: no issuer is configured.
    pub(crate) verifier: Option<Verifier>,
    pub(crate) rate_limit: RateLimit,
    /// `None`: no endpoint for spans is configured.
    pub(crate) tracer: Option<Tracer>,
    pub(crate) metrics: Metrics,
    pub(crate) schema_range: RangeInclusive<i64>,
    pub(crate) max_body_bytes: usize,
    pub(crate) cache_ttl: std::time::Duration,
    pub(crate) illness: Illness,
    pub(crate) connection_leak: Arc<ConnectionLeak>,
    /// Set by SIGTERM: not ready any more, but still serving.
    pub(crate) draining: AtomicBool,
}

impl App {
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// The schema's version, or why the database can't be used as it is.
    pub(crate) async fn schema_version(&self) -> Result<Option<i64>, String> {
        let connection = self
            .database
            .connection()
            .await
            .map_err(|error| self.database.describe(&error))?;
        let state = migrations::state(&connection)
            .await
            .map_err(|error| crate::dependencies::describe_connection(&error, self.database.target()))?;
        state.judge(&self.schema_range).map(Some)
    }
}
