//! A test double of what people are paged by; see the README.
use std::{
    collections::{BTreeMap, VecDeque},
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Json, Router, extract::State, http::StatusCode, routing::get};
use clap::Parser;
use serde::{Deserialize, Serialize};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};

/// Alerts that are kept: more than any test sends.
const KEPT: usize = 500;

/// A test double of what people are paged by: it keeps the alerts that Alertmanager sends
#[derive(Parser)]
#[command(version)]
struct Settings {
    #[arg(long, env = "LISTEN", default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
}

/// The body of Alertmanager's webhook, as far as it is kept.
#[derive(Deserialize)]
struct Notification {
    alerts: Vec<Alert>,
}

/// One alert.
#[derive(Clone, Deserialize, Serialize)]
struct Alert {
    status: String,
    labels: BTreeMap<String, String>,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

/// What arrived, newest last.
type Kept = Arc<Mutex<VecDeque<Alert>>>;

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the one line that tests and people wait for")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::parse();
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind(settings.listen).await?;
    println!("alert-receiver listens on {}", listener.local_addr()?);
    let router = Router::new()
        .route("/alerts", get(show).post(take))
        .route("/health", get(async || "ok"))
        .with_state(Kept::default());
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            terminate.recv().await;
        })
        .await?;
    Ok(())
}

async fn take(State(kept): State<Kept>, Json(notification): Json<Notification>) -> StatusCode {
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    kept.extend(notification.alerts);
    let surplus = kept.len().saturating_sub(KEPT);
    kept.drain(..surplus);
    StatusCode::OK
}

async fn show(State(kept): State<Kept>) -> Json<Vec<Alert>> {
    let kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    Json(kept.iter().cloned().collect())
}
