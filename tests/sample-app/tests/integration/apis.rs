//! Create, read, update and delete through the API, with the cache in front.
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    application::{Application, Environment, eventually},
    servers::{Postgres, Redis},
};

async fn send(application: &Application, method: Method, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = application.request(method, path).json(body).send().await.unwrap();
    (answer.status(), answer.json().await.unwrap_or_default())
}

async fn cached(application: &Application, path: &str) -> (StatusCode, String, Value) {
    let answer = application.request(Method::GET, path).send().await.unwrap();
    let hit = answer
        .headers()
        .get("x-cache")
        .map_or("", |value| value.to_str().unwrap())
        .to_owned();
    (answer.status(), hit, answer.json().await.unwrap())
}

#[tokio::test]
async fn an_api_lives_from_create_to_delete() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let application = Environment::new(&postgres, &redis).migrated().serve();
    let orders = json!({"name": "orders", "upstream": "http://orders:8080", "version": "1.0"});

    let answer = application
        .request(Method::POST, "/api/v1/apis")
        .json(&orders)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let path = answer.headers()[header::LOCATION].to_str().unwrap().to_owned();
    let created: Value = answer.json().await.unwrap();
    assert_eq!(path, format!("/api/v1/apis/{}", created["id"]));

    assert_eq!(
        cached(&application, &path).await,
        (StatusCode::OK, "miss".to_owned(), created.clone())
    );
    assert_eq!(
        cached(&application, &path).await,
        (StatusCode::OK, "hit".to_owned(), created.clone())
    );

    let changed = json!({"name": "orders", "upstream": "http://orders:8080", "version": "2.0"});
    let (status, updated) = send(&application, Method::PUT, &path, &changed).await;
    assert_eq!((status, &updated["version"]), (StatusCode::OK, &json!("2.0")));
    assert_eq!(
        cached(&application, &path).await,
        (StatusCode::OK, "miss".to_owned(), updated.clone())
    );
    let (_, listed) = application.get("/api/v1/apis").await;
    assert_eq!(listed, json!({"items": [updated], "next": null}));

    let deleted = application.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(application.get(&path).await.0, StatusCode::NOT_FOUND);
    assert_eq!(postgres.query("select count(*) from apis"), ["0"]);

    let (status, metrics) = metrics(&application).await;
    assert_eq!(status, StatusCode::OK);
    for series in [
        r#"cache_requests_total{result="hit"} 1"#,
        r#"database_pool_connections{state="idle"} "#,
    ] {
        assert!(metrics.contains(series), "{series} in\n{metrics}");
    }
}

async fn metrics(application: &Application) -> (StatusCode, String) {
    let answer = application.request(Method::GET, "/metrics").send().await.unwrap();
    (answer.status(), answer.text().await.unwrap())
}

#[tokio::test]
async fn what_can_t_be_done_says_why_with_the_right_status() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let application = Environment::new(&postgres, &redis)
        .with("MAX_BODY_BYTES", "1000")
        .migrated()
        .serve();
    let orders = json!({"name": "orders", "upstream": "http://orders:8080", "version": "1.0"});
    let other = json!({"name": "other", "upstream": "http://other:8080", "version": "1.0"});
    assert_eq!(
        send(&application, Method::POST, "/api/v1/apis", &orders).await.0,
        StatusCode::CREATED
    );
    let (_, created) = send(&application, Method::POST, "/api/v1/apis", &other).await;

    let unnamed = json!({"name": "", "upstream": "http://a", "version": "1"});
    let incomplete = json!({"name": "a"});
    let surplus = json!({"name": "a", "upstream": "http://a", "version": "1", "admin": true});
    let large = json!({"name": "a", "upstream": "http://a", "version": "x".repeat(2000)});
    let path = format!("/api/v1/apis/{}", created["id"]);
    for (method, path, body, expected) in [
        (Method::POST, "/api/v1/apis", &orders, StatusCode::CONFLICT),
        (Method::PUT, path.as_str(), &orders, StatusCode::CONFLICT),
        (Method::POST, "/api/v1/apis", &unnamed, StatusCode::UNPROCESSABLE_ENTITY),
        (
            Method::POST,
            "/api/v1/apis",
            &incomplete,
            StatusCode::UNPROCESSABLE_ENTITY,
        ),
        (Method::POST, "/api/v1/apis", &surplus, StatusCode::UNPROCESSABLE_ENTITY),
        (Method::POST, "/api/v1/apis", &large, StatusCode::PAYLOAD_TOO_LARGE),
        (
            Method::PUT,
            "/api/v1/apis/999",
            &json!({"name": "new", "upstream": "http://a", "version": "1"}),
            StatusCode::NOT_FOUND,
        ),
        (Method::DELETE, "/api/v1/apis/999", &Value::Null, StatusCode::NOT_FOUND),
        (Method::GET, "/api/v1/apis/999", &Value::Null, StatusCode::NOT_FOUND),
        (
            Method::GET,
            "/api/v1/apis/orders",
            &Value::Null,
            StatusCode::BAD_REQUEST,
        ),
        (Method::GET, "/api/v2/apis", &Value::Null, StatusCode::NOT_FOUND),
    ] {
        let (status, answer) = send(&application, method.clone(), path, body).await;
        assert_eq!(status, expected, "{method} {path}: {answer}");
        assert!(answer["error"].is_string(), "{method} {path}: {answer}");
    }
    let malformed = application
        .request(Method::POST, "/api/v1/apis")
        .header(header::CONTENT_TYPE, "application/json");
    assert_eq!(
        malformed.body("{").send().await.unwrap().status(),
        StatusCode::BAD_REQUEST
    );
}

#[tokio::test]
async fn a_long_list_comes_in_pages() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let application = Environment::new(&postgres, &redis).migrated().serve();
    postgres.query(
        "insert into apis (name, upstream, version) select 'a' || n, 'http://a', '1' from generate_series(1, 150) n",
    );
    let (_, first) = application.get("/api/v1/apis").await;
    assert_eq!(
        (first["items"].as_array().unwrap().len(), &first["next"]),
        (100, &json!(100))
    );
    let (_, second) = application.get("/api/v1/apis?after=100").await;
    assert_eq!(
        (second["items"].as_array().unwrap().len(), &second["next"]),
        (50, &Value::Null)
    );
}

#[tokio::test]
async fn without_redis_apis_are_still_served_and_keys_are_refused() {
    let (postgres, mut redis) = (Postgres::start(), Redis::start());
    let application = Environment::new(&postgres, &redis).migrated().serve();
    postgres.query("insert into apis (name, upstream, version) values ('orders', 'http://a', '1')");
    redis.stop();
    let (status, hit, _) = cached(&application, "/api/v1/apis/1").await;
    assert_eq!((status, hit.as_str()), (StatusCode::OK, "miss"));
    let (status, answer) = application.get("/api/v1/cache/a").await;
    assert_eq!(
        (status, &answer["error"]),
        (StatusCode::SERVICE_UNAVAILABLE, &json!("the cache can't be used now"))
    );
}

#[tokio::test]
async fn a_cached_key_is_written_read_expires_and_goes() {
    let (postgres, redis) = (Postgres::stopped(), Redis::start());
    let application = Environment::new(&postgres, &redis).serve();
    let put = |path: &str| application.request(Method::PUT, path).body("hello");
    let get = |path: &str| application.request(Method::GET, path);

    assert_eq!(
        put("/api/v1/cache/a?ttl=60").send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    let answer = get("/api/v1/cache/a").send().await.unwrap();
    let left: u64 = answer.headers()["x-ttl-seconds"].to_str().unwrap().parse().unwrap();
    assert!((50..=60).contains(&left), "{left}");
    assert_eq!(answer.text().await.unwrap(), "hello");

    assert_eq!(
        put("/api/v1/cache/short?ttl=1").send().await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        get("/api/v1/cache/short").send().await.unwrap().status(),
        StatusCode::OK
    );
    eventually("the key expires", async || {
        get("/api/v1/cache/short").send().await.unwrap().status() == StatusCode::NOT_FOUND
    })
    .await;

    let deleted = application
        .request(Method::DELETE, "/api/v1/cache/a")
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        get("/api/v1/cache/a").send().await.unwrap().status(),
        StatusCode::NOT_FOUND
    );
    for (path, expected) in [
        ("/api/v1/cache/a?ttl=0", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/v1/cache/a?ttl=soon", StatusCode::BAD_REQUEST),
        ("/api/v1/cache/a%20b", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        assert_eq!(put(path).send().await.unwrap().status(), expected, "{path}");
    }
}
