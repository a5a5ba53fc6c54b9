//! Spans as a backend gets them.
use std::sync::{Arc, Mutex};

use axum::{Json, Router, extract::State, http::HeaderMap, routing};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::{
    application::{Environment, eventually},
    servers::{Postgres, Redis, free_port},
};

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const CALLER: &str = "b7ad6b7169203331";

type Seen = Arc<Mutex<Vec<Value>>>;

/// A backend that keeps spans, and tells which `traceparent` it is called with.
async fn backend() -> (String, Seen) {
    async fn keep(State(seen): State<Seen>, Json(spans): Json<Vec<Value>>) -> StatusCode {
        seen.lock().unwrap().extend(spans);
        StatusCode::ACCEPTED
    }
    async fn tell(headers: HeaderMap) -> String {
        headers["traceparent"].to_str().unwrap().to_owned()
    }
    let seen = Seen::default();
    let router = Router::new()
        .route("/api/v2/spans", routing::post(keep))
        .route("/tell", routing::get(tell))
        .with_state(seen.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    (format!("http://{address}"), seen)
}

fn parent(flags: &str) -> String {
    format!("00-{TRACE}-{CALLER}-{flags}")
}

// The backend must answer while the test waits for the end.
#[tokio::test(flavor = "multi_thread")]
async fn a_sampled_request_becomes_a_span_of_the_caller_s_trace_and_others_do_not() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let (backend, seen) = backend().await;
    let mut application = Environment::new(&postgres, &redis)
        .with("TRACING_ENDPOINT", format!("{backend}/api/v2/spans"))
        .with("TRACING_ONE_IN", "1000000")
        .with("BACKEND_ROUTES", format!("orders={backend}"))
        .serve();
    let ask = async |path: &str, parent: &str| {
        let request = application.request(Method::GET, path).header("traceparent", parent);
        request.send().await.unwrap()
    };
    // The very first that nobody decided on is traced, and no other.
    for _ in 0..3 {
        application.get("/health/live").await;
    }
    ask("/health/live", &parent("00")).await;
    let below = ask("/gateway/orders/tell?secret=word", &parent("01"))
        .await
        .text()
        .await
        .unwrap();
    application.terminate();
    assert!(application.ended().success());

    // It has sent everything before it ended.
    let spans = seen.lock().unwrap().clone();
    assert_eq!(spans.len(), 2, "{spans:#?}");
    let (own, span) = (&spans[0], &spans[1]);
    assert_eq!(own["name"], "get /health/live");
    assert!(own["parentId"].is_null() && own["traceId"] != TRACE);
    assert_eq!(span["traceId"], TRACE);
    assert_eq!(span["parentId"], CALLER);
    assert_eq!(span["kind"], "SERVER");
    assert_eq!(span["localEndpoint"]["serviceName"], "api-management");
    assert_eq!(span["tags"]["http.path"], "/gateway/orders/tell");
    assert_eq!(span["tags"]["http.status_code"], "200");
    assert!(span["timestamp"].as_u64().unwrap() > 1_700_000_000_000_000 && span["duration"].as_u64().unwrap() > 0);
    assert_eq!(below, format!("00-{TRACE}-{}-01", span["id"].as_str().unwrap()));
    assert!(!format!("{spans:?}").contains("word"));
}

#[tokio::test]
async fn a_backend_that_is_gone_is_told_of_once_and_holds_nobody_up() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let application = Environment::new(&postgres, &redis)
        .with(
            "TRACING_ENDPOINT",
            format!("http://127.0.0.1:{}/api/v2/spans", free_port()),
        )
        .with("TRACING_ONE_IN", "1")
        .serve();
    let refusals = || {
        let log = application.log();
        log.iter()
            .filter(|line| {
                line["message"]
                    .as_str()
                    .is_some_and(|message| message.starts_with("spans can't"))
            })
            .count()
    };
    eventually("the log tells", async || {
        assert_eq!(application.get("/health/live").await.0, StatusCode::OK);
        refusals() > 0
    })
    .await;
    for _ in 0..20 {
        assert_eq!(application.get("/health/live").await.0, StatusCode::OK);
    }
    assert_eq!(refusals(), 1);
}
