//! Who may do what, by bearer tokens of an issuer that is found by discovery.
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};

use crate::{
    application::{Application, Environment, eventually},
    issuer_double::{AUDIENCE, IssuerDouble, Key, unsigned},
    servers::{Postgres, Redis},
};

fn environment(postgres: &Postgres, redis: &Redis, issuer: &IssuerDouble) -> Environment {
    Environment::new(postgres, redis)
        .with("OIDC_ISSUER", issuer.url())
        .with("OIDC_AUDIENCE", AUDIENCE)
}

async fn who_am_i(application: &Application, token: &str) -> (StatusCode, Value) {
    let answer = application
        .request(Method::GET, "/api/v1/whoami")
        .bearer_auth(token)
        .send()
        .await
        .unwrap();
    (answer.status(), answer.json().await.unwrap())
}

#[tokio::test]
async fn scopes_decide_who_reads_and_who_writes() {
    let (postgres, redis) = (Postgres::start(), Redis::start());
    let key = Key::rsa("rsa-1");
    let issuer = IssuerDouble::start(&[&key]).await;
    let application = environment(&postgres, &redis, &issuer).migrated().serve();
    let reader = key.token(&issuer.claims("apis:read"));
    let writer = key.token(&issuer.claims("apis:read apis:write"));
    let stranger = key.token(&issuer.claims("profile"));

    let orders = json!({"name": "orders", "upstream": "http://orders", "version": "1"});
    let write = async |token: Option<&str>| {
        let request = application.request(Method::POST, "/api/v1/apis").json(&orders);
        let request = token.into_iter().fold(request, reqwest::RequestBuilder::bearer_auth);
        request.send().await.unwrap()
    };
    let refused = write(None).await;
    assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
    assert!(
        refused.headers()[header::WWW_AUTHENTICATE]
            .to_str()
            .unwrap()
            .starts_with("Bearer")
    );
    assert_eq!(write(Some(&reader)).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(write(Some(&writer)).await.status(), StatusCode::CREATED);

    let read = async |token: &str| {
        application
            .request(Method::GET, "/api/v1/apis")
            .bearer_auth(token)
            .send()
            .await
            .unwrap()
            .status()
    };
    assert_eq!(read(&reader).await, StatusCode::OK);
    assert_eq!(read(&stranger).await, StatusCode::FORBIDDEN);
    assert_eq!(application.get("/api/v1/apis").await.0, StatusCode::OK);
    assert_eq!(application.get("/api/v1/whoami").await.0, StatusCode::UNAUTHORIZED);

    let log = format!("{:?}", application.log());
    for secret in [&reader, &writer, &stranger] {
        assert!(!log.contains(secret.as_str()));
    }
}

#[tokio::test]
async fn only_a_good_token_is_accepted() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let (rsa, ecdsa) = (Key::rsa("rsa-1"), Key::ecdsa("ec-1"));
    let issuer = IssuerDouble::start(&[&rsa, &ecdsa]).await;
    let application = environment(&postgres, &redis, &issuer).serve();
    let claims = issuer.claims("apis:read");

    for key in [&rsa, &ecdsa] {
        let (status, told) = who_am_i(&application, &key.token(&claims)).await;
        assert_eq!((status, &told["subject"]), (StatusCode::OK, &json!("tester")));
    }

    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        rsa.token(&claims)
    };
    let without = |name: &str| {
        let mut claims = claims.clone();
        claims.as_object_mut().unwrap().remove(name);
        rsa.token(&claims)
    };
    let now = claims["iat"].as_i64().unwrap();
    let good = rsa.token(&claims);
    let (message, signature) = good.rsplit_once('.').unwrap();
    let richer = unsigned(&json!({"alg": "RS256", "kid": "rsa-1"}), &issuer.claims("apis:write"));
    let impostor = Key::rsa("rsa-1");
    for (what, token) in [
        ("expired", with("exp", json!(now - 60))),
        ("not yet valid", with("nbf", json!(now + 600))),
        ("another audience", with("aud", json!("another"))),
        ("another issuer", with("iss", json!("http://another"))),
        ("no expiry", without("exp")),
        ("no audience", without("aud")),
        ("no issuer", without("iss")),
        ("claims changed", format!("{richer}.{signature}")),
        ("no signature", format!("{message}.")),
        (
            "algorithm none",
            format!("{}.", unsigned(&json!({"alg": "none", "kid": "rsa-1"}), &claims)),
        ),
        (
            "key of the wrong kind",
            format!(
                "{}.{signature}",
                unsigned(&json!({"alg": "ES256", "kid": "rsa-1"}), &claims)
            ),
        ),
        (
            "symmetric algorithm",
            format!(
                "{}.{signature}",
                unsigned(&json!({"alg": "HS256", "kid": "rsa-1"}), &claims)
            ),
        ),
        ("another key under the same id", impostor.token(&claims)),
        ("unknown key", Key::ecdsa("ec-9").token(&claims)),
        ("no token at all", "nonsense".to_owned()),
    ] {
        let (status, told) = who_am_i(&application, &token).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{what}: {told}");
    }
}

#[tokio::test]
async fn keys_are_kept_and_fetched_again_only_for_an_unknown_one() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let (first, second) = (Key::ecdsa("ec-1"), Key::ecdsa("ec-2"));
    let issuer = IssuerDouble::start(&[&first]).await;
    let application = environment(&postgres, &redis, &issuer).serve();
    let claims = issuer.claims("apis:read");
    for _ in 0..5 {
        assert_eq!(who_am_i(&application, &first.token(&claims)).await.0, StatusCode::OK);
    }
    assert_eq!(issuer.fetches(), 1);

    issuer.publish(&[&first, &second]);
    eventually("the new key is accepted", async || {
        who_am_i(&application, &second.token(&claims)).await.0 == StatusCode::OK
    })
    .await;
    assert_eq!(issuer.fetches(), 2);

    issuer.stop();
    let stranger = Key::ecdsa("ec-3").token(&claims);
    eventually("a key that can't be looked up is the issuer's fault", async || {
        who_am_i(&application, &stranger).await.0 == StatusCode::SERVICE_UNAVAILABLE
    })
    .await;
    assert_eq!(who_am_i(&application, &first.token(&claims)).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_issuer_that_is_down_is_not_the_client_s_fault() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let key = Key::ecdsa("ec-1");
    let issuer = IssuerDouble::start(&[&key]).await;
    issuer.stop();
    let application = environment(&postgres, &redis, &issuer).serve();
    let (status, _) = who_am_i(&application, &key.token(&issuer.claims("apis:read"))).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    application.logged("issuer's keys can't be fetched");
}

#[tokio::test]
async fn without_an_issuer_what_always_needs_a_token_answers_401() {
    let (postgres, redis) = (Postgres::stopped(), Redis::stopped());
    let application = Environment::new(&postgres, &redis).with("OIDC_ISSUER", "").serve();
    assert_eq!(who_am_i(&application, "anything").await.0, StatusCode::UNAUTHORIZED);
}
