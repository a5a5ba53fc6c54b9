//! Credentials as applications spell them.

use serde_json::json;

use super::{Environment, Literals, Vault};
use crate::{
    cache, database,
    snapshot::{PodSpec, Reading, reduce::Arrived},
};

fn environment(containers: &serde_json::Value) -> Environment {
    let secret: Arrived = serde_json::from_value(json!({"kind": "Secret", "metadata": {"name": "s"},
        "stringData": {"DATABASE_URL": "postgres://app:pw@postgres:5432/shop", "password": "s3cret", "PGHOST": "db"}}))
    .unwrap();
    let map: Arrived = serde_json::from_value(json!({"kind": "ConfigMap", "metadata": {"name": "m"},
        "data": {"REDIS_HOST": "redis", "REDIS_PORT": "6380", "DB_NAME": "shop"}}))
    .unwrap();
    let (_, _, vault) = Vault::fill(Reading::Read(vec![secret]), Reading::Read(vec![map]), [].into());
    let template: PodSpec = serde_json::from_value(json!({"containers": containers.clone(),
        "volumes": [{"name": "v", "secret": {"secretName": "s"}}]}))
    .unwrap();
    let literals: Literals = containers
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|container| {
            let variables = container["env"].as_array().cloned().unwrap_or_default();
            let name = container["name"].as_str().unwrap().to_owned();
            variables.into_iter().filter_map(move |variable| {
                let value = variable["value"].as_str()?.to_owned();
                Some(((name.clone(), variable["name"].as_str()?.to_owned()), value.into()))
            })
        })
        .collect();
    Environment::of(&template, &vault, &literals)
}

fn password(environment: &Environment, words: &super::Words) -> (String, String, String, u16) {
    let known = environment.credentials(words).unwrap();
    let password = known
        .password
        .map(|value| value.text().unwrap().to_owned())
        .unwrap_or_default();
    (known.host, known.user, password, known.port)
}

#[test]
fn a_dsn_is_found_whatever_its_variable_is_called() {
    for containers in [
        json!([{"name": "c", "env": [{"name": "ANY", "valueFrom": {"secretKeyRef": {"name": "s", "key": "DATABASE_URL"}}}]}]),
        json!([{"name": "c", "envFrom": [{"secretRef": {"name": "s"}, "prefix": "APP_"}]}]),
    ] {
        assert_eq!(
            password(&environment(&containers), &database::WORDS),
            ("postgres".into(), "app".into(), "pw".into(), 5432)
        );
    }
}

#[test]
fn variables_and_references_make_an_address() {
    let containers = json!([{"name": "c", "envFrom": [{"configMapRef": {"name": "m"}}], "env": [
        {"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "s", "key": "password"}}},
        {"name": "REDIS_PASSWORD", "value": "$(PASSWORD)"},
        {"name": "LITERAL_PASSWORD", "value": "in the template"},
        {"name": "DSN", "value": "postgres://me:$(LITERAL_PASSWORD)$(MISSING)$$@far.example.net/shop"}]}]);
    let environment = environment(&containers);
    assert_eq!(
        password(&environment, &cache::WORDS),
        ("redis".into(), String::new(), "s3cret".into(), 6380)
    );
    assert_eq!(
        password(&environment, &database::WORDS),
        (
            "far.example.net".into(),
            "me".into(),
            "in the template$(MISSING)$".into(),
            0
        )
    );
}

#[test]
fn the_file_of_a_mounted_secret_counts() {
    let containers = json!([{"name": "c", "volumeMounts": [{"name": "v", "mountPath": "/run/s"}], "env": [
        {"name": "DB_HOST", "value": "postgres"}, {"name": "DB_USER", "value": "app"}, {"name": "DB_PASSWORD_FILE", "value": "/run/s/password"}]}]);
    assert_eq!(
        password(&environment(&containers), &database::WORDS),
        ("postgres".into(), "app".into(), "s3cret".into(), 0)
    );
}

#[test]
fn an_application_that_knows_no_server_has_no_credentials() {
    assert!(
        environment(&json!([{"name": "c"}]))
            .credentials(&database::WORDS)
            .is_none()
    );
}
