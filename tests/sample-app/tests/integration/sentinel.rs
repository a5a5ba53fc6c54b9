//! The cache behind Sentinels.
use reqwest::{Method, StatusCode};

use crate::{
    application::{Application, Environment, eventually},
    servers::{Postgres, Redis, Sentinel, until},
};

/// Writes a key and reads it back.
async fn keeps(application: &Application, value: &'static str) -> bool {
    let path = "/api/v1/cache/greeting";
    let written = application.request(Method::PUT, path).body(value).send().await.unwrap();
    let read = application.request(Method::GET, path).send().await.unwrap();
    written.status() == StatusCode::NO_CONTENT && read.text().await.unwrap() == value
}

#[tokio::test]
async fn it_writes_to_the_master_and_after_a_failover_to_the_next() {
    let (postgres, mut master) = (Postgres::start(), Redis::start());
    let replica = Redis::replica_of(&master);
    until("the replica follows", || {
        replica.ask(&["role"]).contains(&"connected".to_owned()).then_some(())
    });
    let sentinel = Sentinel::of(&master);
    // The URL leads to the one that takes no writes: who writes there has not asked.
    let application = Environment::new(&postgres, &replica)
        .with("REDIS_SENTINELS", format!("127.0.0.1:1,{}", sentinel.target()))
        .migrated()
        .serve();
    application.becomes(StatusCode::OK).await;
    assert!(keeps(&application, "hello").await);

    master.stop();
    application.becomes(StatusCode::SERVICE_UNAVAILABLE).await;
    eventually("writes go to the next master", async || {
        keeps(&application, "again").await
    })
    .await;
    application.becomes(StatusCode::OK).await;
    assert_eq!(replica.ask(&["role"]).first().map(String::as_str), Some("master"));
}

#[tokio::test]
async fn a_master_that_hangs_is_left_even_if_only_health_is_asked() {
    let (postgres, master) = (Postgres::start(), Redis::start());
    let replica = Redis::replica_of(&master);
    until("the replica follows", || {
        replica.ask(&["role"]).contains(&"connected".to_owned()).then_some(())
    });
    let sentinel = Sentinel::of(&master);
    let application = Environment::new(&postgres, &master)
        .with("REDIS_SENTINELS", sentinel.target())
        .migrated()
        .serve();
    application.becomes(StatusCode::OK).await;

    master.pause();
    application.becomes(StatusCode::SERVICE_UNAVAILABLE).await;
    application.becomes(StatusCode::OK).await;
    assert_eq!(replica.ask(&["role"]).first().map(String::as_str), Some("master"));
    // Else it could not be ended.
    master.go_on();
}

#[tokio::test]
async fn it_says_which_sentinels_do_not_answer() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let application = Environment::new(&postgres, &redis)
        .with("REDIS_SENTINELS", "127.0.0.1:1")
        .migrated()
        .serve();
    let down = application.becomes(StatusCode::SERVICE_UNAVAILABLE).await;
    let cache = &down["dependencies"]["cache"];
    assert_eq!(cache["target"], "127.0.0.1:1");
    assert_eq!(cache["error"], "connection refused 127.0.0.1:1");
}
