//! What every namespace gets as it appears: a pull secret, a certificate and what renews it, clients of the identity
//! provider. One that exists is never touched.
use std::{collections::BTreeSet, fs, sync::Arc};

use anyhow::{Context, Result};
use k8s_openapi::{
    ByteString,
    api::core::v1::{Namespace, Secret},
};
use kube::{
    Api, Client, ResourceExt,
    api::{ObjectMeta, PostParams},
};

use super::{log, renewal};
use crate::{identity, pki, pki::Validity, registry, site::Site};

/// The Secrets, and the namespaces that have been served.
pub(super) struct Copies {
    secrets: Vec<Secret>,
    /// Of the certificate; where nothing runs, there is no cert-manager either.
    validity: Option<Validity>,
    served: BTreeSet<String>,
}

impl Copies {
    /// Reads what the Secrets hold from the node's state.
    pub(super) fn read(site: &Site) -> Result<Self> {
        let pki = |file: &str| -> Result<ByteString> {
            let path = site.in_state("pki").join(file);
            fs::read(&path)
                .map(ByteString)
                .with_context(|| format!("can't read {}", path.display()))
        };
        let certificate = [
            ("tls.crt", pki("ingress-chain.crt")?),
            ("tls.key", pki("ingress.key")?),
            ("ca.crt", pki("ca.crt")?),
        ];
        let pull = [(
            ".dockerconfigjson",
            ByteString(registry::pull_secret(site)?.into_bytes()),
        )];
        let credentials = identity::credentials()?.into_iter();
        let clients = credentials.map(|(key, value)| (key, ByteString(value.into_bytes())));
        Ok(Self {
            secrets: vec![
                secret("oidc-clients", "Opaque", clients),
                secret("tls-secret", "kubernetes.io/tls", certificate),
                secret("registry-credentials", "kubernetes.io/dockerconfigjson", pull),
            ],
            validity: (!site.light)
                .then(|| pki::validity(&site.in_state("pki")))
                .transpose()?,
            served: BTreeSet::new(),
        })
    }

    /// Serves the namespaces that are new. A failure is tried again at the next change.
    pub(super) async fn give(&mut self, client: &Client, namespaces: &[Arc<Namespace>]) {
        for namespace in namespaces {
            let (name, uid) = (namespace.name_any(), namespace.uid().unwrap_or_default());
            if name.starts_with("kube-")
                || namespace.metadata.deletion_timestamp.is_some()
                || self.served.contains(&uid)
            {
                continue;
            }
            let api = Api::<Secret>::namespaced(client.clone(), &name);
            let mut complete = true;
            for secret in &self.secrets {
                match api.create(&PostParams::default(), secret).await {
                    Ok(_) => {}
                    Err(kube::Error::Api(status)) if status.code == 409 => {}
                    Err(error) => {
                        log(&format!("can't give Secret {} to {name}: {error}", secret.name_any()));
                        complete = false;
                    }
                }
            }
            // Whether `reset` finds one in `default` would be a matter of chance: it keeps that namespace.
            if let Some(validity) = self.validity
                && name != "default"
                && let Err(error) = renewal::give(client, &name, validity).await
            {
                log(&format!("can't give a Certificate to {name}: {error}"));
                complete = false;
            }
            if complete {
                self.served.insert(uid);
            }
        }
    }
}

fn secret<K: Into<String>>(name: &str, type_: &str, data: impl IntoIterator<Item = (K, ByteString)>) -> Secret {
    Secret {
        metadata: ObjectMeta {
            name: Some(name.to_owned()),
            labels: Some([("app.kubernetes.io/managed-by".to_owned(), "sandbox-platform".to_owned())].into()),
            ..ObjectMeta::default()
        },
        type_: Some(type_.to_owned()),
        data: Some(data.into_iter().map(|(key, value)| (key.into(), value)).collect()),
        ..Secret::default()
    }
}
