//! Each switch makes just the fault that it names.
use reqwest::StatusCode;

use crate::{
    application::{Environment, eventually},
    servers::{Postgres, Redis},
};

#[test]
fn exit_after_exits_with_the_code_asked_for() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let environment = Environment::new(&postgres, &redis);
    let mut application = environment
        .with("ILL_EXIT_AFTER", "100ms")
        .with("ILL_EXIT_CODE", "7")
        .start();
    assert_eq!(application.ended().code(), Some(7));
}

#[test]
fn exit_on_dependency_ends_with_the_cause_in_the_log() {
    let (postgres, redis) = (Postgres::start(), Redis::stopped());
    let environment = Environment::new(&postgres, &redis).migrated();
    let mut application = environment.with("ILL_EXIT_ON_DEPENDENCY", "true").start();
    assert_eq!(application.ended().code(), Some(1));
    let line = application.logged("dependency can't be used, exiting");
    assert_eq!(line["error"], format!("connection refused {}", redis.target()));
}

#[test]
fn a_slow_start_listens_late() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let application = Environment::new(&postgres, &redis)
        .with("ILL_SLOW_START", "500ms")
        .serve();
    let at = |message: &str| -> jiff::Timestamp {
        application.logged(message)["timestamp"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap()
    };
    let waited = at("listening").duration_since(at("ill on purpose: starts slowly"));
    assert!(waited.as_millis() >= 500, "{waited}");
}

#[tokio::test]
async fn a_wrong_schema_version_is_asked_for_and_never_there() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let application = Environment::new(&postgres, &redis)
        .migrated()
        .with("ILL_SCHEMA_VERSION", "9")
        .serve();
    let (status, ready) = application.get("/health/ready").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    let why = "schema version 2, but this release needs 9 to 9";
    assert_eq!(ready["dependencies"]["database"]["error"], why);
}

#[tokio::test]
async fn a_connection_leak_grows_with_each_request() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let application = Environment::new(&postgres, &redis)
        .migrated()
        .with("ILL_CONNECTION_LEAK", "5")
        .serve();
    let count = || -> usize {
        let sql = "select count(*) from pg_stat_activity where application_name = 'api-management'";
        postgres.query(sql)[0].parse().unwrap()
    };
    application.becomes(StatusCode::OK).await;
    let before = count();
    for requests in 1..=3 {
        assert_eq!(application.get("/api/v1/apis").await.0, StatusCode::OK);
        assert!(count() >= before + requests * 5);
    }
}

#[test]
fn listen_loopback_can_t_be_reached_from_elsewhere() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let environment = Environment::new(&postgres, &redis).with("LISTEN", "0.0.0.0:0");
    assert!(environment.serve().address.starts_with("0.0.0.0:"));
    assert!(
        environment
            .with("ILL_LISTEN_LOOPBACK", "true")
            .serve()
            .address
            .starts_with("127.0.0.1:")
    );
}

#[tokio::test]
async fn a_memory_leak_takes_real_memory() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let rate = 200_000_000_u64;
    let application = Environment::new(&postgres, &redis)
        .with("ILL_LEAK_BYTES_PER_SECOND", rate.to_string())
        .serve();
    eventually("memory grows", async || {
        application.metric("process_resident_memory_bytes").await > rate / 2
    })
    .await;
    application.logged("ill on purpose: leaks memory");
}
