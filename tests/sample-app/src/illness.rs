//! Switches that make the application ill on purpose, so that tests have real faults to find.
use std::{hint::black_box, net::Ipv4Addr, process::ExitCode, sync::Arc, time::Duration};

use clap::Args;
use tokio::{
    sync::Mutex,
    time::{interval, sleep},
};
use tokio_postgres::{Client, Config, NoTls};
use tracing::{error, warn};

use crate::{
    dependencies,
    settings::{ServeSettings, duration},
};

/// All off by default.
#[derive(Args, Clone, Default)]
#[command(next_help_heading = "Illnesses, for tests")]
pub(crate) struct Illness {
    /// Waits this long before it listens
    #[arg(long = "ill-slow-start", env = "ILL_SLOW_START", value_parser = duration)]
    pub(crate) slow_start: Option<Duration>,
    /// Allocates and touches this much memory each second, for ever
    #[arg(long = "ill-leak-bytes-per-second", env = "ILL_LEAK_BYTES_PER_SECOND")]
    pub(crate) leak_bytes_per_second: Option<usize>,
    /// Exits this long after its start
    #[arg(long = "ill-exit-after", env = "ILL_EXIT_AFTER", value_parser = duration)]
    pub(crate) exit_after: Option<Duration>,
    /// The exit code then
    #[arg(long = "ill-exit-code", env = "ILL_EXIT_CODE", default_value_t = 1)]
    pub(crate) exit_code: u8,
    /// Exits with code 1 as soon as a dependency can't be reached
    #[arg(long = "ill-exit-on-dependency", env = "ILL_EXIT_ON_DEPENDENCY", default_value_t = false, action = clap::ArgAction::Set)]
    pub(crate) exit_on_dependency: bool,
    /// Claims to need this schema version and no other
    #[arg(long = "ill-schema-version", env = "ILL_SCHEMA_VERSION")]
    pub(crate) schema_version: Option<i64>,
    /// Opens this many database connections at each request to /api/ and never closes them
    #[arg(long = "ill-connection-leak", env = "ILL_CONNECTION_LEAK", default_value_t = 0)]
    pub(crate) connection_leak: usize,
    /// Listens on 127.0.0.1 only
    #[arg(long = "ill-listen-loopback", env = "ILL_LISTEN_LOOPBACK", default_value_t = false, action = clap::ArgAction::Set)]
    pub(crate) listen_loopback: bool,
}

impl Illness {
    /// Delays the start and moves the listener, where asked.
    pub(crate) async fn before_listening(&self, settings: &mut ServeSettings) {
        if let Some(delay) = self.slow_start {
            warn!(delay = ?delay, "ill on purpose: starts slowly");
            sleep(delay).await;
        }
        if self.listen_loopback {
            warn!("ill on purpose: listens on loopback only");
            settings.listen.set_ip(Ipv4Addr::LOCALHOST.into());
        }
    }

    /// Ends with the code to exit with, or never.
    pub(crate) async fn exit(&self) -> ExitCode {
        let Some(after) = self.exit_after else {
            return std::future::pending().await;
        };
        sleep(after).await;
        error!(code = self.exit_code, "ill on purpose: exits");
        ExitCode::from(self.exit_code)
    }

    /// Grows for ever, or waits for ever.
    pub(crate) async fn leak_memory(&self) {
        const STEPS_PER_SECOND: usize = 10;
        let Some(rate) = self.leak_bytes_per_second else {
            return std::future::pending().await;
        };
        warn!(bytes_per_second = rate, "ill on purpose: leaks memory");
        let mut kept = Vec::new();
        let mut ticks = interval(Duration::from_millis(1000 / STEPS_PER_SECOND as u64));
        loop {
            ticks.tick().await;
            // Bytes other than zero, or the kernel would not give real pages.
            kept.push(vec![0xa5_u8; rate / STEPS_PER_SECOND]);
            black_box(&kept);
        }
    }
}

/// Database connections that are opened past the pool and kept.
#[derive(Default)]
pub(crate) struct ConnectionLeak {
    kept: Mutex<Vec<Client>>,
}

impl ConnectionLeak {
    /// Opens `count` more.
    pub(crate) async fn grow(self: &Arc<Self>, count: usize, config: &Config) {
        for _ in 0..count {
            match config.connect(NoTls).await {
                Ok((client, connection)) => {
                    tokio::spawn(connection);
                    self.kept.lock().await.push(client);
                }
                Err(error) => {
                    warn!(
                        error = dependencies::describe(&error),
                        "ill on purpose: no more connections to leak"
                    );
                    return;
                }
            }
        }
    }
}
