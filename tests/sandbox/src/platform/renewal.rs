//! A double of cert-manager: the Certificate that keeps the Secret which every namespace gets. What it says is so: the
//! sandbox issues the certificate anew when that time has come.
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use kube::{
    Api, Client,
    api::{ApiResource, DynamicObject, GroupVersionKind, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::pki::Validity;

/// Gives a namespace the Certificate, unless it has one.
pub(super) async fn give(client: &Client, namespace: &str, validity: Validity) -> Result<(), kube::Error> {
    let kind = ApiResource::from_gvk(&GroupVersionKind::gvk("cert-manager.io", "v1", "Certificate"));
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &kind);
    let certificate = certificate(validity);
    let typed = serde_json::from_value(certificate.clone()).map_err(kube::Error::SerdeError)?;
    match api.create(&PostParams::default(), &typed).await {
        Err(kube::Error::Api(status)) if status.code == 409 => return Ok(()),
        other => other?,
    };
    let status = Patch::Merge(json!({"status": certificate["status"]}));
    api.patch_status("tls-secret", &PatchParams::default(), &status)
        .await
        .map(drop)
}

fn certificate(validity: Validity) -> Value {
    let moment = |date: Date| {
        let zoned = date.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp());
        zoned.unwrap_or(Timestamp::UNIX_EPOCH)
    };
    let (from, until, renewal) = (moment(validity.from), moment(validity.until), moment(validity.renewal));
    let hours = |span: jiff::SignedDuration| format!("{}h0m0s", span.as_hours());
    json!({
        "apiVersion": "cert-manager.io/v1",
        "kind": "Certificate",
        "metadata": {"name": "tls-secret", "labels": {"app.kubernetes.io/managed-by": "sandbox-platform"}},
        "spec": {
            "secretName": "tls-secret",
            "commonName": "*.sandbox.test",
            "dnsNames": ["*.sandbox.test", "sandbox.test"],
            "duration": hours(until.duration_since(from)),
            "renewBefore": hours(until.duration_since(renewal)),
            "privateKey": {"algorithm": "ECDSA", "size": 256},
            "usages": ["digital signature", "server auth", "client auth"],
            "issuerRef": {"group": "cert-manager.io", "kind": "ClusterIssuer", "name": "sandbox"},
        },
        "status": {
            "conditions": [{
                "type": "Ready", "status": "True", "reason": "Ready", "observedGeneration": 1,
                "message": "Certificate is up to date and has not expired",
                "lastTransitionTime": from,
            }],
            "notBefore": from,
            "notAfter": until,
            "renewalTime": renewal,
            "revision": 1,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_are_those_of_the_certificate() {
        let day = |year, month, day| jiff::civil::date(year, month, day);
        let validity = Validity {
            from: day(2026, 11, 22),
            until: day(2027, 11, 23),
            renewal: day(2027, 6, 11),
        };
        let certificate = certificate(validity);
        assert_eq!(certificate["status"]["renewalTime"], "2027-06-11T00:00:00Z");
        assert_eq!(certificate["spec"]["duration"], "8784h0m0s");
        assert_eq!(certificate["spec"]["renewBefore"], "3960h0m0s");
    }
}
