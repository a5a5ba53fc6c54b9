//! Health as probes and people ask for it, and the waiting for late dependencies.
use std::time::{Duration, Instant};

use reqwest::StatusCode;
use serde_json::json;

use crate::{
    application::Environment,
    servers::{Postgres, Redis},
};

#[tokio::test]
async fn it_waits_for_late_dependencies_and_says_which_one_is_late() {
    let (mut postgres, mut redis) = (Postgres::stopped(), Redis::stopped());
    let environment = Environment::new(&postgres, &redis);
    let application = environment.serve();

    assert_eq!(
        application.get("/health/live").await,
        (StatusCode::OK, json!({"status": "up"}))
    );
    let (status, health) = application.get("/health").await;
    assert_eq!(
        (status, &health["status"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("down"))
    );
    for (name, target) in [("database", postgres.target()), ("cache", redis.target())] {
        let refused = json!(format!("connection refused {target}"));
        assert_eq!(health["dependencies"][name]["error"], refused);
        application.logged_where("why it waits", |line| {
            line["level"] == "WARN" && line["dependency"] == name && line["error"] == refused
        });
    }

    postgres.resume();
    redis.resume();
    let absent = application.get("/health/ready").await.1;
    assert_eq!(
        absent["dependencies"]["database"]["error"],
        "the schema is absent, no migration has run"
    );
    environment.migrated();
    let ready = application.becomes(StatusCode::OK).await;
    assert_eq!(ready["dependencies"]["database"]["schemaVersion"], 2);
    assert!(ready["dependencies"]["cache"]["latencyMs"].is_number());
    application.logged("every dependency answers");
}

#[tokio::test]
async fn a_dependency_that_goes_and_comes_turns_readiness_but_never_liveness() {
    let (postgres, mut redis) = (Postgres::start(), Redis::start());
    let application = Environment::new(&postgres, &redis).migrated().serve();
    application.becomes(StatusCode::OK).await;

    redis.stop();
    let down = application.becomes(StatusCode::SERVICE_UNAVAILABLE).await;
    assert_eq!(down["dependencies"]["cache"]["status"], "down");
    assert_eq!(down["dependencies"]["database"]["status"], "up");
    assert_eq!(application.get("/health/live").await.0, StatusCode::OK);

    redis.resume();
    application.becomes(StatusCode::OK).await;
}

#[tokio::test]
async fn a_server_that_hangs_is_as_bad_as_one_that_is_down_and_no_check_hangs_with_it() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let application = Environment::new(&postgres, &redis).migrated().serve();
    application.becomes(StatusCode::OK).await;

    redis.pause();
    let asked = Instant::now();
    let hanging = application.becomes(StatusCode::SERVICE_UNAVAILABLE).await;
    assert!(asked.elapsed() < Duration::from_secs(3), "{:?}", asked.elapsed());
    let why = format!("no answer from {} within 800 ms", redis.target());
    assert_eq!(hanging["dependencies"]["cache"]["error"], why);
    redis.go_on();
    application.becomes(StatusCode::OK).await;

    let lock = postgres.hold("lock table schema_migrations in access exclusive mode");
    let hanging = application.becomes(StatusCode::SERVICE_UNAVAILABLE).await;
    let why = format!("no answer from {} within 800 ms", postgres.target());
    assert_eq!(hanging["dependencies"]["database"]["error"], why);
    drop(lock);
    application.becomes(StatusCode::OK).await;
}

#[tokio::test]
async fn refused_credentials_are_named_and_never_shown() {
    const WRONG: &str = "wr0ng-Secret";
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let application = Environment::new(&postgres, &redis)
        .with("DATABASE_URL", postgres.url_as("postgres", WRONG))
        .with("REDIS_URL", format!("redis://:{WRONG}@{}/0", redis.target()))
        .serve();
    let (_, health) = application.get("/health").await;
    let error = |name: &str| health["dependencies"][name]["error"].as_str().unwrap().to_owned();
    assert!(error("database").contains("SQLSTATE 28P01"), "{health}");
    assert!(error("cache").contains("Password authentication failed"), "{health}");
    application.logged("dependency can't be used");
    let everything = format!("{health}{:?}", application.log());
    assert!(!everything.contains(WRONG), "{everything}");
}

#[tokio::test]
async fn settings_that_can_t_be_read_end_it_without_showing_a_secret() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    for (name, value) in [
        ("DATABASE_URL", "postgres://a:t0p-Secret@[b/c"),
        ("REDIS_URL", "http://:t0p-Secret@b"),
    ] {
        let mut application = Environment::new(&postgres, &redis).with(name, value).start();
        assert_eq!(application.ended().code(), Some(1));
        let line = application.logged("can't serve");
        assert!(
            line["error"]
                .as_str()
                .unwrap()
                .starts_with(&format!("{name} can't be read: ")),
            "{line}"
        );
        assert!(!line.to_string().contains("t0p-Secret"), "{line}");
    }
}
