//! The routes, in the shapes of Grafana's HTTP API.
use std::{sync::Arc, time::Duration};

use axum::{
    Json, Router,
    extract::{Path, Query, RawQuery, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::get,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use reqwest::Client;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    Settings,
    provisioning::{self, DataSource},
};

const VERSION: &str = "0.0.0-double";
const LIMIT: Duration = Duration::from_secs(5);

/// What every request shares.
pub(crate) struct Double {
    pub(crate) settings: Settings,
    pub(crate) client: Client,
}

/// A status with Grafana's `{"message": …}`.
struct Refusal(StatusCode, String);

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"message": self.1}))).into_response()
    }
}

impl From<std::io::Error> for Refusal {
    fn from(error: std::io::Error) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, error.to_string())
    }
}

pub(crate) fn router(double: Arc<Double>) -> Router {
    Router::new()
        .route("/api/datasources", get(data_sources))
        .route("/api/datasources/uid/{uid}/health", get(data_source_health))
        .route("/api/datasources/proxy/uid/{uid}/{*path}", get(forward))
        .route("/api/search", get(search))
        .route("/api/dashboards/uid/{uid}", get(dashboard))
        .route_layer(middleware::from_fn_with_state(double.clone(), authenticate))
        .route("/api/health", get(health))
        .route(
            "/metrics",
            get(async || format!("grafana_build_info{{version=\"{VERSION}\"}} 1\n")),
        )
        .fallback(async || Refusal(StatusCode::NOT_FOUND, "Not found".to_owned()))
        .with_state(double)
}

async fn health() -> Json<Value> {
    Json(json!({"database": "ok", "version": VERSION, "commit": "double"}))
}

async fn authenticate(
    State(double): State<Arc<Double>>,
    headers: HeaderMap,
    request: Request,
    next: Next,
) -> Result<Response, Refusal> {
    let settings = &double.settings;
    let basic = STANDARD.encode(format!("{}:{}", settings.user, settings.password));
    let given = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok()?.split_once(' '));
    let refused = |why: &str| Err(Refusal(StatusCode::UNAUTHORIZED, why.to_owned()));
    match given {
        Some(("Basic", credentials)) if credentials == basic => Ok(next.run(request).await),
        Some(("Bearer", token)) if Some(token) == settings.token.as_deref() => Ok(next.run(request).await),
        Some(("Bearer", _)) => refused("Invalid API key"),
        Some(_) => refused("Invalid username or password"),
        None => refused("Unauthorized"),
    }
}

async fn data_sources(State(double): State<Arc<Double>>) -> Result<Json<Vec<DataSource>>, Refusal> {
    Ok(Json(provisioning::data_sources(&double.settings.provisioning)?))
}

/// As Grafana's own check of a Prometheus source: one query that any Prometheus can answer.
async fn data_source_health(State(double): State<Arc<Double>>, Path(uid): Path<String>) -> Result<Response, Refusal> {
    let answer = double.ask(&uid, "api/v1/query?query=1%2B1").await;
    match answer.and_then(|answer| answer.error_for_status().map_err(|error| unreachable(&error))) {
        Ok(_) => {
            Ok(Json(json!({"status": "OK", "message": "Successfully queried the Prometheus API."})).into_response())
        }
        Err(Refusal(StatusCode::BAD_GATEWAY, why)) => Ok((
            StatusCode::BAD_REQUEST,
            Json(json!({"status": "ERROR", "message": why})),
        )
            .into_response()),
        Err(refusal) => Err(refusal),
    }
}

async fn forward(
    State(double): State<Arc<Double>>,
    Path((uid, path)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Refusal> {
    let query = query.map(|query| format!("?{query}")).unwrap_or_default();
    let answer = double.ask(&uid, &format!("{path}{query}")).await?;
    let (status, kind) = (answer.status(), answer.headers().get(header::CONTENT_TYPE).cloned());
    let body = answer.bytes().await.map_err(|error| unreachable(&error))?;
    Ok((status, kind.map(|kind| [(header::CONTENT_TYPE, kind)]), body).into_response())
}

#[derive(Deserialize)]
struct SearchQuery {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(default)]
    query: String,
}

async fn search(
    State(double): State<Arc<Double>>,
    Query(asked): Query<SearchQuery>,
) -> Result<Json<Vec<Value>>, Refusal> {
    // Folders are the other kind, and there are none.
    if asked.kind.is_some_and(|kind| kind != "dash-db") {
        return Ok(Json(Vec::new()));
    }
    let title = |dashboard: &Value| dashboard["title"].as_str().unwrap_or_default().to_owned();
    let wanted = asked.query.to_lowercase();
    let dashboards = provisioning::dashboards(&double.settings.provisioning)?;
    let found = dashboards
        .iter()
        .filter(|dashboard| title(dashboard).to_lowercase().contains(&wanted));
    let entry = |dashboard: &Value| {
        let uid = &dashboard["uid"];
        let url = format!("/d/{}", uid.as_str().unwrap_or_default());
        json!({"uid": uid, "title": title(dashboard), "url": url, "type": "dash-db", "tags": dashboard["tags"]})
    };
    Ok(Json(found.map(entry).collect()))
}

async fn dashboard(State(double): State<Arc<Double>>, Path(uid): Path<String>) -> Result<Json<Value>, Refusal> {
    let mut dashboards = provisioning::dashboards(&double.settings.provisioning)?.into_iter();
    let found = dashboards.find(|dashboard| dashboard["uid"] == uid);
    let dashboard = found.ok_or_else(|| Refusal(StatusCode::NOT_FOUND, "Dashboard not found".to_owned()))?;
    Ok(Json(
        json!({"meta": {"type": "db", "provisioned": true}, "dashboard": dashboard}),
    ))
}

impl Double {
    /// Sends a GET to a data source.
    async fn ask(&self, uid: &str, path_and_query: &str) -> Result<reqwest::Response, Refusal> {
        let mut sources = provisioning::data_sources(&self.settings.provisioning)?.into_iter();
        let source = sources
            .find(|source| source.uid == uid)
            .ok_or_else(|| Refusal(StatusCode::NOT_FOUND, "Data source not found".to_owned()))?;
        let url = format!("{}/{path_and_query}", source.url.trim_end_matches('/'));
        self.client
            .get(url)
            .timeout(LIMIT)
            .send()
            .await
            .map_err(|error| unreachable(&error))
    }
}

/// The error with its causes, since reqwest's own text hides them.
fn unreachable(error: &reqwest::Error) -> Refusal {
    let first: &dyn std::error::Error = error;
    let causes = std::iter::successors(Some(first), |cause| cause.source());
    let text: Vec<String> = causes.map(ToString::to_string).collect();
    Refusal(StatusCode::BAD_GATEWAY, text.join(": "))
}
