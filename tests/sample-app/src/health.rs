//! Whether the process lives, whether it can serve, and how its dependencies are.
use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};

use crate::{
    app::App,
    dependencies::{self, Observation},
};

/// The process answers; a dependency that is down must not get it restarted.
pub(crate) async fn live() -> Json<Value> {
    Json(json!({"status": "up"}))
}

/// Every dependency answers, the schema fits, and no shutdown has begun.
pub(crate) async fn ready(State(app): State<Arc<App>>) -> Response {
    if app.is_draining() {
        return (StatusCode::SERVICE_UNAVAILABLE, Json(json!({"status": "draining"}))).into_response();
    }
    report(&app).await
}

/// The dependencies alone: a shutdown that has begun changes nothing here, requests are still served.
pub(crate) async fn overall(State(app): State<Arc<App>>) -> Response {
    report(&app).await
}

async fn report(app: &App) -> Response {
    let observations = dependencies::observe(app).await;
    let all_up = observations.iter().all(|observation| observation.outcome.is_ok());
    let body = json!({
        "status": if all_up { "up" } else { "down" },
        "version": env!("CARGO_PKG_VERSION"),
        "schema": {"minimum": app.schema_range.start(), "maximum": app.schema_range.end()},
        "dependencies": observations.iter().map(describe).collect::<Map<_, _>>(),
    });
    let code = if all_up {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (code, Json(body)).into_response()
}

fn describe(observation: &Observation) -> (String, Value) {
    let mut fields = json!({
        "status": if observation.outcome.is_ok() { "up" } else { "down" },
        "target": observation.target,
        "latencyMs": (observation.latency.as_secs_f64() * 1e5).round() / 100.0,
    });
    match &observation.outcome {
        Ok(Some(version)) => fields["schemaVersion"] = json!(version),
        Ok(None) => {}
        Err(why) => fields["error"] = json!(why),
    }
    (observation.name.to_owned(), fields)
}
