//! SIGTERM: not ready first, then no new requests, and none lost.
use std::{sync::Arc, time::Duration};

use axum::{Router, extract::State, routing::get};
use reqwest::{Method, StatusCode};
use tokio::{net::TcpListener, sync::Notify, time::timeout};

use crate::{
    application::{Environment, eventually},
    servers::{Postgres, Redis},
};

/// A backend that answers when it is told to.
async fn patient_backend(asked: Arc<Notify>, answer: Arc<Notify>) -> String {
    let router = Router::new().route(
        "/",
        get(async |State((asked, answer)): State<(Arc<Notify>, Arc<Notify>)>| {
            asked.notify_one();
            answer.notified().await;
            "late"
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, router.with_state((asked, answer))).into_future());
    format!("slow=http://{address}")
}

#[tokio::test]
async fn readiness_goes_first_and_requests_in_flight_finish() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let (asked, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let routes = patient_backend(asked.clone(), answer.clone()).await;
    let mut application = Environment::new(&postgres, &redis)
        .with("BACKEND_ROUTES", routes)
        .with("DRAIN_DELAY", "1s")
        .migrated()
        .serve();
    application.becomes(StatusCode::OK).await;

    let slow = tokio::spawn(application.request(Method::GET, "/gateway/slow/").send());
    timeout(Duration::from_secs(10), asked.notified())
        .await
        .expect("the backend is asked");
    application.terminate();
    let draining = application.becomes(StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(draining["status"], "draining");
    assert_eq!(application.get("/health/live").await.0, StatusCode::OK);
    assert_eq!(application.get("/api/v1/apis").await.0, StatusCode::OK);

    eventually("no new connection is accepted", async || {
        application.request(Method::GET, "/health/live").send().await.is_err()
    })
    .await;
    answer.notify_one();
    let late = slow.await.unwrap().unwrap();
    assert_eq!(
        (late.status(), late.text().await.unwrap().as_str()),
        (StatusCode::OK, "late")
    );
    assert!(application.ended().success());
    application.logged("shutdown: done");
}

#[tokio::test]
async fn a_request_that_never_ends_can_t_hold_the_shutdown_up() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let (asked, answer) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let routes = patient_backend(asked.clone(), answer).await;
    let mut application = Environment::new(&postgres, &redis)
        .with("BACKEND_ROUTES", routes)
        .with("DRAIN_DELAY", "0s")
        .with("SHUTDOWN_TIMEOUT", "300ms")
        .serve();
    let slow = tokio::spawn(application.request(Method::GET, "/gateway/slow/").send());
    timeout(Duration::from_secs(10), asked.notified())
        .await
        .expect("the backend is asked");
    application.terminate();
    assert!(application.ended().success());
    application.logged("shutdown: requests are still in flight, ending them");
    assert!(slow.await.unwrap().is_err());
}
