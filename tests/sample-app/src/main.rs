//! A small honest API gateway: the application that the tests install.
mod apis;
mod app;
mod cache;
mod database;
mod dependencies;
mod files;
mod gateway;
mod health;
mod illness;
mod keys;
mod masters;
mod metrics;
mod migrations;
mod problem;
mod rate_limit;
mod requests;
mod server;
mod settings;
mod signatures;
mod tokens;
mod traces;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use tracing::error;

use illness::Illness;
use migrations::Order;
use settings::{ServeSettings, Settings};

/// A small API gateway with a database, a cache, and switches that make it ill on purpose
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serves requests
    Serve {
        #[command(flatten)]
        settings: Settings,
        #[command(flatten)]
        serving: Box<ServeSettings>,
        #[command(flatten)]
        illness: Illness,
    },
    /// Brings the schema up to the target, under a lock, and ends
    Migrate {
        #[command(flatten)]
        settings: Settings,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    // `serve` is the default: a container image needs no arguments.
    let mut words: Vec<_> = std::env::args_os().collect();
    if words.len() < 2 {
        words.push("serve".into());
    }
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("no other provider is installed");
    match Arguments::parse_from(words).command {
        Command::Serve {
            settings,
            serving,
            illness,
        } => {
            start_log(&settings);
            server::serve(&settings, *serving, illness)
                .await
                .unwrap_or_else(|error| {
                    error!(error = dependencies::describe(&error), "can't serve");
                    ExitCode::FAILURE
                })
        }
        Command::Migrate { settings } => {
            start_log(&settings);
            migrate(&settings).await
        }
    }
}

async fn migrate(settings: &Settings) -> ExitCode {
    let result = match settings.database() {
        Ok(database) => {
            let order = Order {
                database: &database,
                target: settings.schema_target,
                newest: *settings.schema_range(&Illness::default()).end(),
                app_role: &settings.database_app_role,
                monitor_role: &settings.database_monitor_role,
                wait: settings.database_wait,
            };
            migrations::migrate(&order).await.map_err(|error| error.to_string())
        }
        Err(error) => Err(error.to_string()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            error!(error = why, "can't migrate");
            ExitCode::FAILURE
        }
    }
}

/// One JSON object a line, on standard output.
fn start_log(settings: &Settings) {
    tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(settings.log_level)
        .with_target(false)
        .init();
}
