//! What reduction finds, and what it never lets through.

use std::fmt::Write as _;

use base64::{Engine, prelude::BASE64_STANDARD};

use super::{Arrived, parse_dsn};
use crate::snapshot::{
    Snapshot,
    sensitive::{Sensitive, ValueFacts},
};

fn facts(key: &str, value: &str) -> ValueFacts {
    let object = serde_json::json!({"kind": "Secret", "metadata": {"name": "x"}, "stringData": {key: value}});
    let mut sensitive: Sensitive = serde_json::from_value(object).unwrap();
    sensitive.facts.remove(key).unwrap()
}

#[test]
fn samples_are_told_from_secrets_and_from_names() {
    for sample in [
        "changeme",
        "ChangeMe!changeme",
        "<your password>",
        "REPLACE_ME",
        "password",
        "postgres",
        "example",
        "xxxx",
        "${PASSWORD}",
    ] {
        assert!(facts("password", sample).placeholder, "{sample}");
    }
    assert!(
        facts("DATABASE_URL", "postgres://app:changeme@postgres/shop").placeholder,
        "inside a DSN"
    );
    for (key, value) in [
        ("password", "correct horse"),
        ("username", "postgres"),
        ("POSTGRES_USER", "postgres"),
        ("database", "postgres"),
        ("redis.conf", "redis-like text"),
    ] {
        assert!(!facts(key, value).placeholder, "{key}");
    }
}

#[test]
fn stray_white_space_is_told_from_files() {
    assert!(facts("password", "hunter2\n").stray_whitespace);
    assert!(facts("password", " hunter2").stray_whitespace);
    assert!(!facts("password", "hunter2").stray_whitespace);
    assert!(!facts("redis.conf", "maxmemory 1mb\n").stray_whitespace);
    assert!(!facts("key", "-----BEGIN\nabc\n-----END\n").stray_whitespace);
}

#[test]
fn what_is_encoded_once_too_often_is_told_from_random_keys() {
    assert!(facts("password", &BASE64_STANDARD.encode("hunter2 is a password")).encoded_twice);
    assert!(facts("password", &BASE64_STANDARD.encode("hunter2\n")).encoded_twice);
    for random in ["kX9fQ2mZ7pLw4tRb", "password", "changeme", "MDEyMzQ1", "8J+YgPCfmIE="] {
        assert!(!facts("password", random).encoded_twice, "{random}");
    }
}

#[test]
fn addresses_come_apart() {
    let apart = |text: &str| {
        let dsn = parse_dsn(text).unwrap().unwrap();
        let address = dsn.address;
        let password = dsn.password.map(|password| password.to_string()).unwrap_or_default();
        (
            address.scheme,
            address.user,
            password,
            address.host,
            address.port,
            address.path,
        )
    };
    let expect = |scheme: &str, user: &str, password: &str, host: &str, port, path: &str| {
        (
            scheme.into(),
            user.into(),
            password.into(),
            host.into(),
            port,
            path.into(),
        )
    };
    assert_eq!(
        apart("postgres://app:p%40ss%2Fw@postgres:5432/shop?sslmode=require"),
        expect("postgres", "app", "p@ss/w", "postgres", 5432, "shop")
    );
    assert_eq!(
        apart("postgresql+asyncpg://app@db.example.net/shop"),
        expect("postgresql", "app", "", "db.example.net", 0, "shop")
    );
    assert_eq!(
        apart("jdbc:postgresql://db:1/shop?user=app&password=x"),
        expect("postgresql", "app", "x", "db", 1, "shop")
    );
    assert_eq!(
        apart("redis://:pw@redis:6379/0"),
        expect("redis", "", "pw", "redis", 6379, "0")
    );
    assert_eq!(apart("redis://pw@redis"), expect("redis", "", "pw", "redis", 0, ""));
    assert_eq!(
        apart("rediss://u:p@[fd00::1]:6380/1"),
        expect("rediss", "u", "p", "fd00::1", 6380, "1")
    );
    assert_eq!(
        apart("host=db port=5433 user=app password='a b\\'c' dbname=shop"),
        expect("postgres", "app", "a b'c", "db", 5433, "shop")
    );
    assert_eq!(
        apart("https://hooks.example.net/T00/B00/s3cret?token=x"),
        expect("https", "", "", "hooks.example.net", 0, ""),
        "the path of a webhook is its secret"
    );
    assert_eq!(
        apart("postgres://app:a:b@c@db/x"),
        expect("postgres", "app", "a:b@c", "db", 0, "x"),
        "the last @ ends the password"
    );
    for malformed in [
        "postgres://app:pw@:5432/x",
        "redis://redis:port/0",
        "postgres://app:p/w@host/x",
        "postgres://",
    ] {
        assert!(parse_dsn(malformed).unwrap().is_err(), "{malformed}");
        assert!(facts("URL", malformed).malformed_address, "{malformed}");
    }
    for other in ["hunter2", "a=b", "s3://bucket/key", "multi\nline postgres://x"] {
        assert!(parse_dsn(other).is_none(), "{other}");
    }
}

#[test]
fn certificates_and_keys_show_what_is_public() {
    const PAIR: &str = include_str!("tests/pair.pem");
    let facts = facts("tls.crt", PAIR);
    assert_eq!(facts.certificates.len(), 1);
    let certificate = &facts.certificates[0];
    assert_eq!(certificate.names, ["api.shop.test", "*.shop.test", "10.0.0.1"]);
    assert!(certificate.covers("x.shop.test") && !certificate.covers("a.b.shop.test"));
    assert_eq!(certificate.subject, "CN=api.shop.test");
    assert!(!certificate.authority);
    assert_eq!(certificate.not_after.unwrap().to_string()[..4], *"2126");
    assert_eq!(certificate.key_sha256, facts.key_sha256, "the key belongs to it");
    assert_eq!(certificate.key_sha256.len(), 64);
}

#[test]
fn pull_secrets_show_their_registries() {
    let text = r#"{"auths":{"registry.shop.test:5000":{"auth":"dTpw"},"empty.test":{}}}"#;
    assert_eq!(facts(".dockerconfigjson", text).registries, ["registry.shop.test:5000"]);
    assert_eq!(
        facts(".dockercfg", r#"{"old.test":{"username":"u","password":"p"}}"#).registries,
        ["old.test"]
    );
    assert!(facts(".dockerconfigjson", "{").registries.is_empty());
}

/// Pseudo-random numbers that are the same in every run (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn password(&mut self) -> String {
        const LETTERS: &[u8] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789-_.!~";
        let length = 8 + usize::try_from(self.next() % 40).unwrap();
        (0..length)
            .map(|_| char::from(LETTERS[usize::try_from(self.next()).unwrap() % LETTERS.len()]))
            .collect()
    }
}

/// One secret in each of the shapes that people give them.
fn shapes(password: &str) -> Vec<(&'static str, String)> {
    let json = serde_json::json!({"auths": {"r.test": {"username": "u", "password": password, "auth": BASE64_STANDARD.encode(format!("u:{password}"))}}});
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    let _ = writeln!(pem, "{}\n-----END PRIVATE KEY-----", BASE64_STANDARD.encode(password));
    vec![
        ("password", password.into()),
        ("password", format!("{password}\n")),
        ("twice", BASE64_STANDARD.encode(password)),
        (
            "DATABASE_URL",
            format!("postgres://app:{password}@postgres:5432/shop?sslmode=require"),
        ),
        (
            "DATABASE_URL",
            format!("host=postgres user=app password={password} dbname=shop"),
        ),
        ("DATABASE_URL", format!("postgres://app:{password}/@/broken:host")),
        ("REDIS_URL", format!("redis://:{password}@redis:6379/0")),
        ("REDIS_URL", format!("redis://{password}@redis:6379/0")),
        ("WEBHOOK", format!("https://hooks.test/{password}?token={password}")),
        ("CALLBACK", format!("https://u:{password}@hooks.test/")),
        (".dockerconfigjson", json.to_string()),
        ("tls.key", pem),
        (
            "application.yaml",
            format!("spring:\n  datasource:\n    password: {password}\n"),
        ),
    ]
}

#[test]
fn no_value_of_a_secret_is_in_a_recording_or_in_a_debug_text() {
    let mut dice = Dice(42);
    for _ in 0..60 {
        let password = dice.password();
        for (key, value) in shapes(&password) {
            let object = serde_json::json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {"name": "s", "annotations": {
                    "kubectl.kubernetes.io/last-applied-configuration": value, "replicator/copy": value, "helm.sh/resource-policy": "keep"}},
                "data": {key: BASE64_STANDARD.encode(&value)}, "stringData": {"plain": value},
            });
            let arrived: Arrived = serde_json::from_value(object.clone()).unwrap();
            let recording = serde_json::json!({"takenAt": "2026-11-23T08:00:00Z", "objects": [object]});
            let snapshot = Snapshot::from_recording(&recording.to_string()).unwrap();
            assert_eq!(snapshot.secrets().unwrap()[0].facts[key].length, value.len());
            let places = [snapshot.to_recording(), format!("{snapshot:?}"), format!("{arrived:?}")];
            for hidden in [
                password.clone(),
                BASE64_STANDARD.encode(&password),
                BASE64_STANDARD.encode(&value),
            ] {
                for place in &places {
                    assert!(!place.contains(&hidden), "`{key}` shows {hidden} in {place}");
                }
            }
            let again = Snapshot::from_recording(&places[0]).unwrap();
            assert_eq!(
                again.secrets().unwrap(),
                snapshot.secrets().unwrap(),
                "facts survive a recording"
            );
        }
    }
}

#[test]
fn an_error_never_shows_a_value() {
    let object =
        serde_json::json!({"kind": "Secret", "metadata": {"name": "x"}, "data": {"password": "hunter2 hunter2"}});
    let error = serde_json::from_value::<Sensitive>(object).unwrap_err().to_string();
    assert_eq!(error, "the value of key `password` is not base64");
    let object = r#"{"kind": "Secret", "metadata": {"name": "x"}, "stringData": {"password": ["hunter2"]}}"#;
    assert!(
        !serde_json::from_str::<Sensitive>(object)
            .unwrap_err()
            .to_string()
            .contains("hunter2")
    );
}
