//! The certificates that ingresses take from secrets, and who keeps them.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use super::{Scene, clean, list};
use crate::snapshot::{
    Unreadable,
    cert_manager::CertificateResource,
    sensitive::{Certificate, Sensitive, named},
    services::Ingress,
};

/// A secret that ingresses take a certificate from.
pub(crate) struct Stored<'a> {
    /// Its name.
    pub(crate) name: &'a str,
    /// What is known of it; `None` when it does not exist.
    pub(crate) secret: Option<&'a Sensitive>,
    /// Who takes it, for which host.
    pub(crate) users: Vec<(&'a Ingress, &'a str)>,
}

impl<'a> Stored<'a> {
    /// `secret/NAME`.
    pub(crate) fn object(&self) -> String {
        format!("secret/{}", self.name)
    }

    /// The certificates in it, the host's own first; none where there are none.
    pub(crate) fn chain(&self) -> &'a [Certificate] {
        let facts = self.secret.and_then(|secret| secret.facts.get("tls.crt"));
        facts.map(|facts| facts.certificates.as_slice()).unwrap_or_default()
    }

    /// The hosts that it is for, in words.
    pub(crate) fn hosts(&self) -> String {
        let mut hosts: Vec<_> = self.users.iter().map(|(_, host)| clean(host)).collect();
        hosts.dedup();
        list(&hosts)
    }

    /// The ingresses that take it.
    pub(crate) fn ingresses(&self) -> Vec<String> {
        let mut ingresses: Vec<_> = self.users.iter().map(|(ingress, _)| ingress.object()).collect();
        ingresses.dedup();
        ingresses
    }
}

impl<'a> Scene<'a> {
    /// The secrets that ingresses take certificates from, by name.
    pub(crate) fn stored_certificates(&self) -> Result<Vec<Stored<'a>>, Unreadable> {
        let (ingresses, secrets) = (self.snapshot.ingresses()?, self.snapshot.secrets()?);
        let mut users: BTreeMap<&str, Vec<(&Ingress, &str)>> = BTreeMap::new();
        for ingress in ingresses {
            for host in ingress.hosts() {
                let secret = ingress.secret_for(host).filter(|secret| !secret.is_empty());
                if let Some(secret) = secret {
                    users.entry(secret).or_default().push((ingress, host));
                }
            }
        }
        let stored = users.into_iter().map(|(name, mut users)| {
            users.sort_by_key(|(ingress, host)| (&ingress.metadata.name, *host));
            Stored {
                name,
                secret: named(secrets, name),
                users,
            }
        });
        Ok(stored.collect())
    }

    /// cert-manager's certificate that keeps a secret.
    pub(crate) fn keeper(&self, secret: &str) -> Option<&'a CertificateResource> {
        let certificates = self.snapshot.certificates().ok()?;
        certificates.iter().find(|one| one.spec.secret_name == secret)
    }

    /// The command that puts another certificate into a secret that is there.
    pub(crate) fn replace_certificate(&self, secret: &str) -> String {
        let namespace = self.namespace();
        format!(
            "kubectl create secret tls {secret} --cert=CHAIN.pem --key=KEY.pem -n {namespace} --dry-run=client -o yaml | kubectl replace --force -f -"
        )
    }

    /// What has a certificate made anew: its keeper, where it has one, else a person.
    pub(crate) fn renew_certificate(&self, secret: &str) -> String {
        match self.keeper(secret) {
            Some(keeper) => self.reissue(&keeper.metadata.name),
            None => self.replace_certificate(secret),
        }
    }

    /// What has cert-manager begin anew with a certificate, as its own `cmctl renew` does.
    pub(crate) fn reissue(&self, certificate: &str) -> String {
        let condition = serde_json::json!({
            "type": "Issuing", "status": "True", "reason": "ManuallyTriggered", "message": "Renewed by hand",
            "lastTransitionTime": self.now().round(jiff::Unit::Second).unwrap_or(self.now()).to_string(),
        });
        format!(
            "kubectl patch certificate/{certificate} -n {} --subresource=status --type=json -p '[{{\"op\":\"add\",\"path\":\"/status/conditions/-\",\"value\":{condition}}}]'",
            self.namespace()
        )
    }
}

/// `20 days`, `5 hours`.
pub(crate) fn days(span: SignedDuration) -> String {
    let hours = span.as_hours();
    match hours {
        48.. => format!("{} days", hours / 24),
        2.. => format!("{hours} hours"),
        _ => format!("{} minutes", span.as_mins()),
    }
}
