//! Routing to backends, and the limits in front of them.
use std::net::SocketAddr;

use axum::{
    Json, Router,
    extract::Request,
    http::HeaderMap,
    routing::{any, get},
};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    application::Environment,
    servers::{Postgres, Redis, free_port},
};

/// A backend that tells what it got.
async fn backend() -> SocketAddr {
    async fn tell(headers: HeaderMap, request: Request) -> Json<Value> {
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        Json(json!({
            "method": request.method().as_str(),
            "uri": request.uri().to_string(),
            "client": header("x-forwarded-for"),
            "host": header("x-forwarded-host"),
            "id": header("x-request-id"),
            "connection": header("connection"),
        }))
    }
    let router = Router::new()
        .route("/moved", get(async || axum::response::Redirect::to("/elsewhere")))
        .fallback(any(tell));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router).into_future());
    address
}

#[tokio::test]
async fn a_prefix_reaches_its_backend_and_no_other_does() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let dead = free_port();
    let routes = format!("orders=http://{}/v2,dead=http://127.0.0.1:{dead}", backend().await);
    let application = Environment::new(&postgres, &redis)
        .with("BACKEND_ROUTES", routes)
        .with("MAX_BODY_BYTES", "1000")
        .serve();

    let answer = application
        .request(Method::POST, "/gateway/orders/list?state=open")
        .header("x-forwarded-for", "10.9.8.7")
        .header("x-request-id", "trace-1")
        .header("connection", "close")
        .body("small")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.headers()["x-request-id"], "trace-1");
    let told: Value = answer.json().await.unwrap();
    let expected = json!({"method": "POST", "uri": "/v2/list?state=open", "client": "10.9.8.7",
                          "host": application.address, "id": "trace-1", "connection": null});
    assert_eq!(told, expected);

    for (method, path, body, expected) in [
        (Method::GET, "/gateway/orders", "", StatusCode::OK),
        (Method::GET, "/gateway/unknown/list", "", StatusCode::NOT_FOUND),
        (Method::GET, "/gateway/dead/list", "", StatusCode::BAD_GATEWAY),
        (
            Method::POST,
            "/gateway/orders/list",
            &"x".repeat(1001),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        let answer = application
            .request(method, path)
            .body(body.to_owned())
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), expected, "{path}");
    }
    application.logged_where("why the backend failed", |line| {
        line["backend"] == "dead"
            && line["error"]
                .as_str()
                .is_some_and(|why| why.contains("Connection refused"))
    });
    // Redirects are the client's business.
    let outside = backend().await;
    let routes = format!("plain=http://{outside}");
    let application = Environment::new(&postgres, &redis)
        .with("BACKEND_ROUTES", routes)
        .serve();
    assert_eq!(application.get("/gateway/plain/moved").await.0, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_client_that_asks_too_often_waits_and_others_do_not() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let application = Environment::new(&postgres, &redis)
        .with("RATE_LIMIT_PER_SECOND", "3")
        .serve();
    let ask = async |path: &str, client: &str| {
        application
            .request(Method::GET, path)
            .header("x-forwarded-for", client)
            .send()
            .await
            .unwrap()
    };
    let mut refused = None;
    for _ in 0..50 {
        let answer = ask("/gateway/unknown", "10.0.0.1").await;
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            refused = Some(answer);
            break;
        }
    }
    assert_eq!(
        refused.expect("50 requests at once are too many").headers()["retry-after"],
        "1"
    );
    assert_eq!(
        ask("/gateway/unknown", "10.0.0.2").await.status(),
        StatusCode::NOT_FOUND
    );
    assert_eq!(ask("/health/live", "10.0.0.1").await.status(), StatusCode::OK);
}
