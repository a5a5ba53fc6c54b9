//! The certificate is for the hosts.

use serde::Deserialize;

use super::{Broken, Facts, Rule, Weight};
use crate::snapshot::{
    Metadata,
    sensitive::{Certificate, Sensitive},
    services::Ingress,
};

/// The rule.
pub(super) const RULE: Rule = Rule {
    id: "certificate-covers-hosts",
    title: "A rendered certificate is for every host of its ingress",
    severity: Weight::Refuse,
    why: "Browsers and clients refuse the connection.",
    fix: "Add the host to the certificate's names.",
    judge,
};

/// A certificate of cert-manager, as far as it names hosts.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Asked {
    metadata: Metadata,
    spec: AskedSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct AskedSpec {
    secret_name: String,
    common_name: String,
    dns_names: Vec<String>,
}

fn judge(facts: &Facts) -> Vec<Broken> {
    let asked = facts.all::<Asked>("Certificate");
    let secrets = facts.all::<Sensitive>("Secret");
    let mut broken = Vec::new();
    for ingress in facts.all::<Ingress>("Ingress") {
        for tls in &ingress.spec.tls {
            let by_request = asked.iter().find(|asked| asked.spec.secret_name == tls.secret_name);
            let by_secret = secrets.iter().find(|secret| secret.metadata.name == tls.secret_name);
            let (source, certificate) = if let Some(asked) = by_request {
                let names = asked
                    .spec
                    .dns_names
                    .iter()
                    .chain([&asked.spec.common_name])
                    .cloned()
                    .collect();
                let certificate = Certificate {
                    names,
                    ..Certificate::default()
                };
                (format!("certificate/{}", asked.metadata.name), certificate)
            } else if let Some(first) = by_secret.and_then(|secret| secret.facts.get("tls.crt")?.certificates.first()) {
                (format!("secret/{}", tls.secret_name), first.clone())
            } else {
                continue;
            };
            for host in tls.hosts.iter().filter(|host| !certificate.covers(host)) {
                let text = format!("{source} is not for `{host}`");
                broken.push(Broken::new(format!("ingress/{}", ingress.metadata.name), text));
            }
        }
    }
    broken
}
