//! The identity provider beside the releases: Keycloak with a realm whose clients every namespace is told.
use std::time::Duration;

use anyhow::{Context, Result};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, Client};
use serde_json::Value;

use crate::{cluster, images::Pushed, progress::Progress};

const MANIFEST: &str = include_str!("../manifests/identity.yaml");
const REALM: &str = include_str!("../images/keycloak/realm.json");

/// The namespace that it runs in.
pub(crate) const NAMESPACE: &str = "identity";

/// Who issues tokens, as they say themselves.
pub(crate) const ISSUER: &str = "https://identity.sandbox.test/realms/api-management";
/// Whom tokens are for.
pub(crate) const AUDIENCE: &str = "api-management";

/// The confidential clients, and what their credentials are called in the Secret that namespaces get.
const CLIENTS: [(&str, &str); 4] = [
    ("api-management-admin", "admin"),
    ("api-management-reader", "reader"),
    ("api-management-short", "short"),
    ("api-management-elsewhere", "elsewhere"),
];
/// The client of people with a browser, and a person of each role.
const BROWSER: &str = "api-management-browser";
const PEOPLE: [(&str, &str); 2] = [("ada", "admin"), ("rita", "reader")];

/// How long `up` waits for it; after that it goes on starting by itself.
const PATIENCE: Duration = Duration::from_secs(15);

/// Credentials by key, as the realm has them.
pub(crate) fn credentials() -> Result<Vec<(String, String)>> {
    let realm: Value = serde_json::from_str(REALM).context("the realm is malformed")?;
    let find = |list: &str, key: &str, name: &str| -> Result<Value> {
        let entries = realm[list].as_array().into_iter().flatten();
        let found = entries.clone().find(|entry| entry[key] == name);
        found
            .cloned()
            .with_context(|| format!("the realm has no {name} among its {list}"))
    };
    let text = |value: &Value| -> Result<String> { Ok(value.as_str().context("the realm lacks a secret")?.to_owned()) };
    let mut credentials = vec![("browser-id".to_owned(), BROWSER.to_owned())];
    find("clients", "clientId", BROWSER)?;
    for (client, name) in CLIENTS {
        let secret = text(&find("clients", "clientId", client)?["secret"])?;
        credentials.extend([
            (format!("{name}-id"), client.to_owned()),
            (format!("{name}-secret"), secret),
        ]);
    }
    for (person, role) in PEOPLE {
        let password = text(&find("users", "username", person)?["credentials"][0]["value"])?;
        credentials.extend([
            (format!("browser-{role}-username"), person.to_owned()),
            (format!("browser-{role}-password"), password),
        ]);
    }
    Ok(credentials)
}

/// Starts it, from the registry as any pod. It is the slowest to start, so it begins while the rest is waited for.
pub(crate) async fn start(client: &Client, pushed: &[Pushed]) -> Result<()> {
    let image = Pushed::find(pushed, "keycloak").context("the registry has no image of Keycloak")?;
    cluster::apply(client, &MANIFEST.replace("IMAGE_KEYCLOAK", &image.reference())).await
}

/// Says whether it serves already.
pub(crate) async fn tell(client: &Client, progress: &Progress) {
    let deployments = Api::<Deployment>::namespaced(client.clone(), NAMESPACE);
    let serves = cluster::wait_for("Keycloak", PATIENCE, async || {
        let status = deployments.get("keycloak").await?.status.unwrap_or_default();
        Ok(status.ready_replicas.unwrap_or_default() > 0)
    });
    progress.say(match serves.await {
        Ok(()) => format!("tokens issued by {ISSUER}"),
        Err(_) => "Keycloak still starts: kubectl -n identity rollout status deployment/keycloak".to_owned(),
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_and_person_that_is_told_is_in_the_realm() {
        let credentials = credentials().unwrap();
        assert_eq!(credentials.len(), 1 + 2 * CLIENTS.len() + 2 * PEOPLE.len());
        assert!(credentials.iter().all(|(_, value)| value.len() >= 3));
    }

    #[test]
    fn the_issuer_is_the_manifests_host_and_the_realms_name() {
        let realm: Value = serde_json::from_str(REALM).unwrap();
        let host = ISSUER.trim_start_matches("https://").split('/').next().unwrap();
        assert!(
            MANIFEST.contains(&format!("- host: {host}")) && MANIFEST.contains(&format!("--hostname=https://{host}"))
        );
        assert_eq!(ISSUER.rsplit('/').next(), realm["realm"].as_str());
    }
}
