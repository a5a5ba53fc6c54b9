//! The double as the checklist sees it: a real process, files as the chart mounts them, a double of Prometheus behind it.
#![expect(
    clippy::unwrap_used,
    reason = "everything here is a test, also what Clippy does not see as one"
)]
use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
};

use axum::{Json, Router, extract::Query, http::StatusCode, routing::get};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;

const PASSWORD: &str = "gr4fana-Secret";

struct Grafana {
    process: Child,
    address: String,
    client: Client,
    folder: TempDir,
}

impl Grafana {
    /// Starts one whose only data source is at `prometheus`, with one dashboard.
    fn start(prometheus: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let provisioning = folder.path().join("provisioning");
        let dashboards = folder.path().join("dashboards");
        write(
            &provisioning.join("datasources/datasources.yaml"),
            &format!(
                "apiVersion: 1\ndatasources:\n  - {{name: Prometheus, uid: prometheus, type: prometheus, access: proxy, url: \"{prometheus}\", isDefault: true}}\n"
            ),
        );
        write(
            &provisioning.join("dashboards/dashboards.yaml"),
            &format!(
                "apiVersion: 1\nproviders:\n  - {{name: release, type: file, options: {{path: {}}}}}\n",
                dashboards.display()
            ),
        );
        write(
            &dashboards.join("application.json"),
            r#"{"uid": "application", "title": "Application", "tags": ["api"]}"#,
        );

        let mut command = Command::new(env!("CARGO_BIN_EXE_grafana-double"));
        command
            .env_clear()
            .env("GF_SERVER_HTTP_ADDR", "127.0.0.1")
            .env("GF_SERVER_HTTP_PORT", "0");
        command
            .env("GF_SECURITY_ADMIN_PASSWORD", PASSWORD)
            .env("GRAFANA_DOUBLE_TOKEN", "t0ken");
        command
            .env("GF_PATHS_PROVISIONING", &provisioning)
            .stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let line = BufReader::new(process.stdout.take().unwrap())
            .lines()
            .next()
            .unwrap()
            .unwrap();
        let address = line.strip_prefix("grafana-double listens on ").unwrap().to_owned();
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        Self {
            process,
            address,
            client,
            folder,
        }
    }

    fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.address))
    }

    async fn ask(&self, path: &str) -> (StatusCode, Value) {
        answer(self.get(path).basic_auth("admin", Some(PASSWORD))).await
    }
}

impl Drop for Grafana {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let answer = request.send().await.unwrap();
    (answer.status(), answer.json().await.unwrap())
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// A double of Prometheus that knows one series and refuses every other expression.
async fn prometheus_double() -> String {
    async fn query(Query(asked): Query<Vec<(String, String)>>) -> (StatusCode, Json<Value>) {
        match asked
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect::<Vec<_>>()[..]
        {
            [("query", "up")] => {
                let series = json!({"metric": {"job": "api-management"}, "value": [1_700_000_000.5, "1"]});
                (
                    StatusCode::OK,
                    Json(json!({"status": "success", "data": {"resultType": "vector", "result": [series]}})),
                )
            }
            [("query", "1+1")] => (
                StatusCode::OK,
                Json(json!({"status": "success", "data": {"resultType": "scalar", "result": [1, "2"]}})),
            ),
            _ => (
                StatusCode::BAD_REQUEST,
                Json(json!({"status": "error", "error": "parse error"})),
            ),
        }
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, Router::new().route("/api/v1/query", get(query))).into_future());
    format!("http://{address}")
}

#[tokio::test]
async fn only_health_and_metrics_need_no_login() {
    let grafana = Grafana::start("http://127.0.0.1:9");
    let (status, health) = answer(grafana.get("/api/health")).await;
    assert_eq!(
        (status, &health["database"], &health["version"]),
        (StatusCode::OK, &json!("ok"), &json!("0.0.0-double"))
    );
    assert_eq!(grafana.get("/metrics").send().await.unwrap().status(), StatusCode::OK);
    for (request, message) in [
        (grafana.get("/api/datasources"), "Unauthorized"),
        (
            grafana.get("/api/datasources").basic_auth("admin", Some("admin")),
            "Invalid username or password",
        ),
        (
            grafana.get("/api/datasources").bearer_auth("another"),
            "Invalid API key",
        ),
    ] {
        assert_eq!(
            answer(request).await,
            (StatusCode::UNAUTHORIZED, json!({"message": message}))
        );
    }
    assert_eq!(
        answer(grafana.get("/api/datasources").bearer_auth("t0ken")).await.0,
        StatusCode::OK
    );
    assert_eq!(grafana.ask("/api/datasources").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_query_travels_to_prometheus_and_back() {
    let prometheus = prometheus_double().await;
    let grafana = Grafana::start(&prometheus);
    let (_, sources) = grafana.ask("/api/datasources").await;
    let expected = json!([{"uid": "prometheus", "name": "Prometheus", "type": "prometheus", "access": "proxy",
                           "url": prometheus, "isDefault": true}]);
    assert_eq!(sources, expected);
    assert_eq!(
        grafana.ask("/api/datasources/uid/prometheus/health").await.1["status"],
        "OK"
    );

    let proxied = "/api/datasources/proxy/uid/prometheus/api/v1/query?query=";
    let (status, answer) = grafana.ask(&format!("{proxied}up")).await;
    assert_eq!(
        (status, &answer["data"]["result"][0]["value"][1]),
        (StatusCode::OK, &json!("1"))
    );
    let (status, answer) = grafana.ask(&format!("{proxied}nonsense")).await;
    assert_eq!(
        (status, &answer["error"]),
        (StatusCode::BAD_REQUEST, &json!("parse error"))
    );
    let (status, answer) = grafana
        .ask("/api/datasources/proxy/uid/another/api/v1/query?query=up")
        .await;
    assert_eq!(
        (status, &answer["message"]),
        (StatusCode::NOT_FOUND, &json!("Data source not found"))
    );
}

#[tokio::test]
async fn a_prometheus_that_is_down_is_told_and_not_hidden() {
    let grafana = Grafana::start("http://127.0.0.1:9");
    let (status, health) = grafana.ask("/api/datasources/uid/prometheus/health").await;
    assert_eq!((status, &health["status"]), (StatusCode::BAD_REQUEST, &json!("ERROR")));
    assert!(
        health["message"].as_str().unwrap().contains("Connection refused"),
        "{health}"
    );
    let proxied = grafana
        .ask("/api/datasources/proxy/uid/prometheus/api/v1/query?query=up")
        .await;
    assert_eq!(proxied.0, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn dashboards_are_the_files_that_are_there_now() {
    let grafana = Grafana::start("http://127.0.0.1:9");
    let (_, found) = grafana.ask("/api/search?type=dash-db&query=appl").await;
    let expected = json!([{"uid": "application", "title": "Application", "url": "/d/application", "type": "dash-db", "tags": ["api"]}]);
    assert_eq!(found, expected);
    assert_eq!(grafana.ask("/api/search?type=dash-db&query=another").await.1, json!([]));
    assert_eq!(
        grafana.ask("/api/dashboards/uid/application").await.1["dashboard"]["title"],
        "Application"
    );

    fs::remove_file(grafana.folder.path().join("dashboards/application.json")).unwrap();
    assert_eq!(grafana.ask("/api/search?type=dash-db").await.1, json!([]));
    assert_eq!(
        grafana.ask("/api/dashboards/uid/application").await.0,
        StatusCode::NOT_FOUND
    );
}
