//! The schema's way up, and releases that need another one.
use std::{process::Output, thread};

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::{
    application::Environment,
    servers::{Postgres, Redis},
};

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn the_release_before_works_on_its_schema_and_its_data_survive_the_next_one() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let latest = Environment::new(&postgres, &redis);
    let before = latest.clone().with("SCHEMA_TARGET", "1").migrated();
    let old = before.serve();
    old.becomes(StatusCode::OK).await;
    let orders = json!({"name": "orders", "upstream": "http://orders", "version": "1"});
    let created = old
        .request(Method::POST, "/api/v1/apis")
        .json(&orders)
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);

    let new = latest.serve();
    let why = &new.get("/health/ready").await.1["dependencies"]["database"]["error"];
    assert_eq!(why, "schema version 1, but this release needs 2 to 2");
    latest.migrated();
    new.becomes(StatusCode::OK).await;
    assert_eq!(new.get("/api/v1/apis/1").await.1["name"], "orders");
    assert_eq!(
        postgres.query("select version, dirty from schema_migrations order by 1"),
        ["1|f", "2|f"]
    );

    let why = &old.becomes(StatusCode::SERVICE_UNAVAILABLE).await["dependencies"]["database"]["error"];
    assert_eq!(why, "schema version 2, but this release needs 1 to 1");
    let wider = before.clone().with("SCHEMA_MAXIMUM", "2");
    wider.serve().becomes(StatusCode::OK).await;

    let refused = before.migrate();
    assert_eq!(refused.status.code(), Some(1));
    assert!(
        text(&refused).contains("the schema has version 2, newer than 1"),
        "{}",
        text(&refused)
    );
    assert!(text(&wider.migrate()).contains("schema is there, nothing to migrate"));
}

#[test]
fn many_at_once_migrate_once() {
    let (postgres, redis) = (Postgres::start(), Redis::stopped());
    let environment = Environment::new(&postgres, &redis);
    let outputs: Vec<Output> = thread::scope(|scope| {
        let runs: Vec<_> = (0..4).map(|_| scope.spawn(|| environment.migrate())).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert!(outputs.iter().all(|output| output.status.success()));
    let did_nothing = |output: &&Output| text(output).contains("nothing to migrate");
    assert_eq!(outputs.iter().filter(did_nothing).count(), 3);
}

#[test]
fn a_migration_that_fails_leaves_the_schema_dirty_and_nothing_else_and_can_be_repeated() {
    let (postgres, redis) = (Postgres::start(), Redis::stopped());
    let environment = Environment::new(&postgres, &redis);
    postgres.query("create function apis_touch() returns trigger language plpgsql as 'begin return new; end'");

    let failed = environment.migrate();
    assert_eq!(failed.status.code(), Some(1));
    assert!(
        text(&failed).contains("schema version 2 failed and is marked dirty"),
        "{}",
        text(&failed)
    );
    assert!(text(&failed).contains("SQLSTATE 42723"), "{}", text(&failed));
    assert_eq!(
        postgres.query("select version, dirty from schema_migrations order by 1"),
        ["1|f", "2|t"]
    );
    let columns = "select count(*) from information_schema.columns where table_name = 'apis'";
    assert_eq!(postgres.query(columns), ["4"]);

    postgres.query("drop function apis_touch()");
    assert!(environment.migrate().status.success());
    assert_eq!(
        postgres.query("select version, dirty from schema_migrations order by 1"),
        ["1|f", "2|f"]
    );
}

#[tokio::test]
async fn the_owner_migrates_and_the_application_s_role_gets_just_what_it_needs() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    postgres.query(
        "create role api_management login password 'app-Secret-1';
         create role api_management_monitor login;
         create role api_management_owner login password 'owner-Secret-1';
         alter database integration_api_management owner to api_management_owner;",
    );
    let owner = postgres.url_as("api_management_owner", "owner-Secret-1");
    Environment::new(&postgres, &redis)
        .with("DATABASE_URL", owner)
        .migrated();

    let role = postgres.url_as("api_management", "app-Secret-1");
    let application = Environment::new(&postgres, &redis).with("DATABASE_URL", role).serve();
    application.becomes(StatusCode::OK).await;
    let orders = json!({"name": "orders", "upstream": "http://orders", "version": "1"});
    let created = application
        .request(Method::POST, "/api/v1/apis")
        .json(&orders)
        .send()
        .await
        .unwrap();
    assert_eq!(created.status(), StatusCode::CREATED);
    let rights = "select has_table_privilege('api_management', 'apis', 'truncate'),
                         has_table_privilege('api_management', 'schema_migrations', 'update'),
                         has_table_privilege('api_management_monitor', 'schema_migrations', 'select'),
                         has_table_privilege('api_management_monitor', 'apis', 'select')";
    assert_eq!(postgres.query(rights), ["f|f|t|f"]);
}

#[test]
fn it_waits_for_a_database_that_is_late_but_not_for_one_that_refuses() {
    let (mut postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let environment = Environment::new(&postgres, &redis);
    let late = environment.clone();
    let run = thread::spawn(move || late.migrate());
    postgres.resume();
    assert!(run.join().unwrap().status.success());

    let refused = environment
        .with("DATABASE_URL", postgres.url_as("postgres", "wr0ng-Secret"))
        .migrate();
    assert_eq!(refused.status.code(), Some(1));
    assert!(text(&refused).contains("SQLSTATE 28P01"), "{}", text(&refused));
    assert!(!text(&refused).contains("wr0ng-Secret"));
}
