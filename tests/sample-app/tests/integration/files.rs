//! Large files up and down.
use axum::body::Bytes;
use reqwest::{Body, Method, StatusCode};
use ring::digest;
use serde_json::{Value, json};

use crate::{
    application::Environment,
    servers::{Postgres, Redis},
};

const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 1024;

/// 64 MiB that don't repeat within a chunk's length.
fn chunks() -> impl Iterator<Item = Bytes> {
    (0..CHUNKS).map(|number| {
        (0..CHUNK)
            .map(|place| ((place * 31) ^ (place >> 8) ^ number).to_le_bytes()[0])
            .collect()
    })
}

#[tokio::test]
async fn a_large_file_comes_back_with_the_same_digest_and_never_lies_in_memory() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let folder = tempfile::tempdir().unwrap();
    let application = Environment::new(&postgres, &redis)
        .with("FILES_DIR", folder.path().to_str().unwrap().to_owned())
        .serve();
    let mut expected = digest::Context::new(&digest::SHA256);
    chunks().for_each(|chunk| expected.update(&chunk));
    let expected = format!("{:?}", expected.finish());

    let body = Body::wrap_stream(futures::stream::iter(chunks().map(Ok::<_, std::io::Error>)));
    let answer = application
        .request(Method::PUT, "/api/v1/files/large.bin")
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    let told: Value = answer.json().await.unwrap();
    assert_eq!(
        told,
        json!({"name": "large.bin", "size": CHUNK * CHUNKS, "sha256": expected.strip_prefix("SHA256:")})
    );

    let mut answer = application
        .request(Method::GET, "/api/v1/files/large.bin")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.content_length(), Some((CHUNK * CHUNKS) as u64));
    let mut received = digest::Context::new(&digest::SHA256);
    while let Some(chunk) = answer.chunk().await.unwrap() {
        received.update(&chunk);
    }
    let received = format!("{:?}", received.finish());
    assert_eq!(received, expected);

    let resident = application.metric("process_resident_memory_bytes").await;
    assert!(resident < (CHUNK * CHUNKS) as u64, "{resident}");

    let deleted = application
        .request(Method::DELETE, "/api/v1/files/large.bin")
        .send()
        .await
        .unwrap();
    assert_eq!(deleted.status(), StatusCode::NO_CONTENT);
    assert_eq!(
        application.get("/api/v1/files/large.bin").await.0,
        StatusCode::NOT_FOUND
    );
}

#[tokio::test]
async fn a_file_over_the_limit_is_refused_whether_or_not_it_said_so_before() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let folder = tempfile::tempdir().unwrap();
    let application = Environment::new(&postgres, &redis)
        .with("FILES_DIR", folder.path().to_str().unwrap().to_owned())
        .with("MAX_UPLOAD_BYTES", "1000")
        .serve();
    let put = |path: &str| application.request(Method::PUT, path);
    let announced = put("/api/v1/files/a").body("x".repeat(1001)).send().await.unwrap();
    assert_eq!(announced.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let chunks = futures::stream::iter((0..2).map(|_| Ok::<_, std::io::Error>("x".repeat(600))));
    let streamed = put("/api/v1/files/a")
        .body(Body::wrap_stream(chunks))
        .send()
        .await
        .unwrap();
    assert_eq!(streamed.status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    assert_eq!(
        put("/api/v1/files/a")
            .body("x".repeat(1000))
            .send()
            .await
            .unwrap()
            .status(),
        StatusCode::CREATED
    );
    let escaping = put("/api/v1/files/..%2Fa").body("x").send().await.unwrap();
    assert_eq!(escaping.status(), StatusCode::UNPROCESSABLE_ENTITY);
}
