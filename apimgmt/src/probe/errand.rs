//! What the visitor's pod is sent to do: the declared part of it as one variable, credentials by reference alone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    Error,
    snapshot::Snapshot,
    values::{
        ExpectedAccessControl, ExpectedApi, ExpectedAuthentication, ExpectedAuthorization, ExpectedFiles,
        ExpectedGateway,
    },
};

/// The variable that holds it.
pub(super) const VARIABLE: &str = "PROBE_ERRAND";

/// What is declared of the platform as visitors see it.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Errand {
    /// Public hosts, the main one first.
    pub(super) hosts: Vec<String>,
    /// Authorities beside the system's, PEM.
    pub(super) authority: String,
    pub(super) api: ExpectedApi,
    pub(super) gateway: ExpectedGateway,
    pub(super) authentication: ExpectedAuthentication,
    pub(super) authorization: ExpectedAuthorization,
    pub(super) access_control: ExpectedAccessControl,
    pub(super) files: ExpectedFiles,
}

impl Errand {
    /// What the release's expectations ask for.
    ///
    /// # Errors
    /// When they could not be read.
    pub(super) fn of(snapshot: &Snapshot) -> Result<Self, Error> {
        let unread = |why| Error::could_not("could not tell what is expected of the platform").because(Box::new(why));
        let expected = snapshot.expectations().map_err(unread)?;
        let mut hosts: Vec<String> = expected.hosts.iter().map(|host| host.host.clone()).collect();
        if hosts.is_empty() {
            let ingresses = snapshot.ingresses().map_err(unread)?;
            let rules = ingresses.iter().flat_map(|ingress| &ingress.spec.rules);
            let named = rules.map(|rule| rule.host.clone());
            hosts.extend(named.filter(|host| !host.is_empty() && !host.starts_with('*')));
            hosts.sort();
            hosts.dedup();
        }
        Ok(Self {
            hosts,
            authority: expected.tls.ca_bundle.clone(),
            api: expected.api.clone(),
            gateway: expected.gateway.clone(),
            authentication: expected.authentication.clone(),
            authorization: expected.authorization.clone(),
            access_control: expected.access_control.clone(),
            files: expected.files.clone(),
        })
    }

    /// The environment of the pod. The kubelet fills the credentials in; a key that does not exist leaves its variable out.
    pub(super) fn environment(&self) -> Value {
        let mut variables = vec![json!({ "name": VARIABLE, "value": json!(self).to_string() })];
        let mut key = |variable: String, secret: &str, key: &str| {
            if !secret.is_empty() && !key.is_empty() {
                let reference = json!({ "name": secret, "key": key, "optional": true });
                variables.push(json!({ "name": variable, "valueFrom": { "secretKeyRef": reference } }));
            }
        };
        for (index, client) in self.authentication.clients.iter().enumerate() {
            key(Credential::Client(index).variable("ID"), &client.secret, &client.id_key);
            key(
                Credential::Client(index).variable("SECRET"),
                &client.secret,
                &client.secret_key,
            );
        }
        if let Some(flow) = &self.authentication.code_flow {
            key(Credential::Person.variable("ID"), &flow.secret, &flow.id_key);
            key(Credential::Person.variable("NAME"), &flow.secret, &flow.username_key);
            key(
                Credential::Person.variable("PASSWORD"),
                &flow.secret,
                &flow.password_key,
            );
        }
        json!({ "env": variables })
    }

    /// Where to connect for each host, when that is declared.
    pub(super) fn instead(&self) -> BTreeMap<String, String> {
        let to = &self.gateway.connect_to;
        let hosts = self.hosts.iter().filter(|_| !to.is_empty());
        hosts.map(|host| (host.clone(), to.clone())).collect()
    }
}

/// Whose credentials a variable holds.
#[derive(Debug, Clone, Copy)]
pub(super) enum Credential {
    /// The client of this place in the list.
    Client(usize),
    /// Who logs in with a browser.
    Person,
}

impl Credential {
    /// The name of the variable.
    pub(super) fn variable(self, part: &str) -> String {
        match self {
            Self::Client(index) => format!("PROBE_CLIENT_{index}_{part}"),
            Self::Person => format!("PROBE_PERSON_{part}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Snapshot;

    #[test]
    fn credentials_are_referred_to_and_never_written() {
        let snapshot = Snapshot::from_recording(
            "takenAt: 2026-11-23T08:00:00Z
objects:
- {kind: Ingress, metadata: {name: i}, spec: {rules: [{host: b.test}, {host: a.test}, {host: '*.c.test'}]}}
facts:
  expectations:
    gateway: {connectTo: '10.0.0.1:443'}
    authentication:
      issuer: https://login.test
      clients: [{role: admin, secret: oidc, idKey: id, secretKey: password}]
      codeFlow: {secret: oidc, idKey: browser, usernameKey: name, passwordKey: word}",
        )
        .unwrap();
        let errand = Errand::of(&snapshot).unwrap();
        assert_eq!(errand.hosts, ["a.test", "b.test"]);
        assert_eq!(errand.instead()["a.test"], "10.0.0.1:443");
        let environment = errand.environment();
        let variables = environment["env"].as_array().unwrap();
        let named: Vec<_> = variables
            .iter()
            .map(|variable| variable["name"].as_str().unwrap())
            .collect();
        assert_eq!(
            named,
            [
                VARIABLE,
                "PROBE_CLIENT_0_ID",
                "PROBE_CLIENT_0_SECRET",
                "PROBE_PERSON_ID",
                "PROBE_PERSON_NAME",
                "PROBE_PERSON_PASSWORD"
            ]
        );
        assert!(variables[1..].iter().all(|variable| variable.get("value").is_none()));
        let back: Errand = serde_json::from_str(variables[0]["value"].as_str().unwrap()).unwrap();
        assert_eq!(back.authentication.clients[0].role, "admin");
    }
}
