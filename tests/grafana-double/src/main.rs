//! A test double of the part of Grafana's HTTP API that the checklist asks; see the README.
mod api;
mod provisioning;

use std::{net::IpAddr, path::PathBuf, sync::Arc};

use clap::Parser;
use reqwest::{Client, redirect};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// A test double of Grafana's HTTP API, set up as Grafana is
#[derive(Parser)]
#[command(version)]
struct Settings {
    #[arg(long, env = "GF_SECURITY_ADMIN_USER", default_value = "admin")]
    user: String,
    #[arg(
        long,
        env = "GF_SECURITY_ADMIN_PASSWORD",
        default_value = "admin",
        hide_env_values = true
    )]
    password: String,
    /// Accepted as a bearer token
    #[arg(long, env = "GRAFANA_DOUBLE_TOKEN", hide_env_values = true)]
    token: Option<String>,
    #[arg(long, env = "GF_SERVER_HTTP_ADDR", default_value = "0.0.0.0")]
    address: IpAddr,
    #[arg(long, env = "GF_SERVER_HTTP_PORT", default_value_t = 3000)]
    port: u16,
    #[arg(long, env = "GF_PATHS_PROVISIONING", default_value = "/etc/grafana/provisioning")]
    provisioning: PathBuf,
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the one line that tests and people wait for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::parse();
    rustls::crypto::ring::default_provider()
        .install_default()
        .expect("no other provider is installed");
    // Data sources are in the cluster, over HTTP: no proxy, no authorities.
    let client = Client::builder()
        .no_proxy()
        .redirect(redirect::Policy::none())
        .tls_certs_only([])
        .build()?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind((settings.address, settings.port)).await?;
    println!("grafana-double listens on {}", listener.local_addr()?);
    axum::serve(listener, api::router(Arc::new(api::Double { settings, client })))
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await?;
    Ok(())
}
