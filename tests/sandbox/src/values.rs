//! The Helm values that fit this sandbox: its images by digest, its ingress, its authority.
use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    alerting::{RECEIVER, RECEIVER_PORT, alertmanager, receiver, receiver_service},
    file, full_values,
    identity::{AUDIENCE, ISSUER},
    images::Pushed,
    observability,
    platform::CLASS,
    record::Ports,
    site::{HOST, NODE_ADDRESS, REGISTRY, Site},
};

/// Writes `values.yaml` and `values-full.yaml` for the chart, and `images.json` with every image by name and tag.
pub(crate) fn write(site: &Site, ports: Ports, pushed: &[Pushed]) -> Result<()> {
    let path = site.in_state("pki/ca.crt");
    let authority = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    let mut images = json!({});
    for image in pushed {
        let name = image.repository.rsplit('/').next().unwrap_or_default();
        images[name][&image.tag] = json!(format!("{}@{}", image.repository, image.digest));
    }
    file::write(
        &site.output.join("images.json"),
        &serde_json::to_string_pretty(&images)?,
    )?;
    let values = values(ports, &authority, pushed);
    let full = full_values::over(&values, pushed);
    for (name, values, what) in [
        ("values.yaml", &values, "what the chart needs to know of this sandbox"),
        (
            "values-full.yaml",
            &full,
            "given after values.yaml, a release that also has what that one leaves out",
        ),
    ] {
        let text = format!("# Written by `sandbox up`: {what}.\n{}", serde_yaml::to_string(values)?);
        file::write(&site.output.join(name), &text)?;
    }
    Ok(())
}

fn values(ports: Ports, authority: &str, pushed: &[Pushed]) -> Value {
    let image = |name: &str| {
        Pushed::find(pushed, name).map_or_else(
            || json!({}),
            |image| json!({"registry": REGISTRY, "repository": name, "tag": image.tag, "digest": image.digest}),
        )
    };
    // Two cores carry everything, so requests are small; limits stay as the chart has them.
    let small = json!({"requests": {"cpu": "20m", "memory": "64Mi"}});
    let size = |size: &str| json!({"size": size});
    let hosts = json!([{
        "host": HOST,
        "connectTo": format!("127.0.0.1:{}", ports.https),
        "connectToHttp": format!("127.0.0.1:{}", ports.http),
        // Names of the sandbox mean nothing to this machine's resolver.
        "vantagePoints": ["cluster"],
    }]);
    let authority_volume = json!({"name": "authority", "configMap": {"name": "authority"}});
    let authority_mount = json!({"name": "authority", "mountPath": "/etc/authority", "readOnly": true});
    let to_ingress = json!({
        "to": [{"ipBlock": {"cidr": format!("{NODE_ADDRESS}/32")}}],
        "ports": [{"port": 443, "protocol": "TCP"}],
    });
    let mut to_outside = vec![to_ingress.clone()];
    let logs = observability::logs(pushed);
    to_outside.extend(logs.as_ref().map(|_| observability::way_to_logs()));
    json!({
        "images": {"pullSecrets": ["registry-credentials"]},
        "postgresql": {
            "image": image("postgres"),
            "majorVersion": 15,
            "resources": {"requests": {"cpu": "50m", "memory": "256Mi"}, "limits": {"memory": "1Gi"}},
            "persistence": size("2Gi"),
            "backup": {"persistence": size("2Gi")},
        },
        "redis": {"image": image("redis"), "resources": small, "persistence": size("1Gi")},
        "application": {
            "image": image("api-management"),
            // So little that a load of the sandbox's size makes the autoscaler want more pods.
            "resources": {"requests": {"cpu": "10m", "memory": "64Mi"}},
            // Pods go soon after a load.
            "autoscaling": {"scaleDownStabilizationSeconds": 15},
            "config": {"OIDC_ISSUER": ISSUER, "OIDC_AUDIENCE": AUDIENCE, "OUTGOING_CA_FILE": "/etc/authority/ca.crt"},
            "extraVolumes": [authority_volume],
            "extraVolumeMounts": [authority_mount],
        },
        "ingress": {"className": CLASS, "hosts": [HOST]},
        // The issuer is behind the ingress, as everything outside the namespace is.
        "networkPolicy": {"extraEgress": {"app": [to_ingress], "monitoring": to_outside}},
        "monitoring": {
            "prometheus": {"image": image("prometheus"), "resources": small, "persistence": size("1Gi")},
            "alertmanager": {"image": image("alertmanager"), "resources": small, "config": alertmanager()},
            "grafana": {"image": image("grafana-double"), "resources": small},
            "postgresExporter": {"image": image("postgres-exporter"), "resources": small},
            "redisExporter": {"image": image("redis-exporter"), "resources": small},
            "blackboxExporter": {"enabled": true, "image": image("blackbox-exporter")},
        },
        "test": {"image": image("busybox")},
        "verification": {"image": image("kubectl-apimgmt")},
        "checklist": {
            "hosts": hosts,
            "nodes": {"tolerateLoss": 0},
            "images": {"registries": [REGISTRY]},
            "tls": {"caBundle": authority},
            "throughput": {"requestsPerSecond": 120},
            "logs": logs.unwrap_or_else(|| json!({})),
            "authentication": {"codeFlow": code_flow()},
            "alerts": {"receiver": {"service": RECEIVER, "port": RECEIVER_PORT, "path": "/alerts"}},
        },
        "extraObjects": [authority_map(authority), receiver(&image("alert-receiver")), receiver_service()],
    })
}

/// A person's login with a browser, by the realm's public client.
fn code_flow() -> Value {
    json!({
        "secret": "oidc-clients",
        "idKey": "browser-id",
        "usernameKey": "browser-admin-username",
        "passwordKey": "browser-admin-password",
        "redirectUri": "http://127.0.0.1/callback",
        "scope": "openid",
    })
}

/// Who signed the certificate of the issuer, for the application.
fn authority_map(authority: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "authority"}, "data": {"ca.crt": authority}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pushed(name: &str, tag: &str, digest: &str) -> Pushed {
        Pushed {
            repository: format!("{REGISTRY}/{name}"),
            tag: tag.to_owned(),
            digest: digest.to_owned(),
        }
    }

    #[test]
    fn images_are_pinned_to_what_was_pushed() {
        let images = [
            pushed("api-management", "1.0.0", "sha256:aa"),
            pushed("api-management", "1.1.0", "sha256:bb"),
            pushed("redis", "7", "sha256:cc"),
        ];
        let ports = Ports {
            https: 20_443,
            ..Ports::default()
        };
        let values = values(ports, "-----BEGIN CERTIFICATE-----\n", &images);
        let application = &values["application"]["image"];
        assert_eq!(application["registry"], REGISTRY);
        assert_eq!(
            (&application["tag"], &application["digest"]),
            (&json!("1.0.0"), &json!("sha256:aa"))
        );
        assert_eq!(values["redis"]["image"]["repository"], "redis");
        assert_eq!(values["checklist"]["hosts"][0]["connectTo"], "127.0.0.1:20443");
    }

    #[test]
    fn an_image_that_is_missing_leaves_the_charts_own() {
        let values = values(Ports::default(), "", &[]);
        assert_eq!(values["postgresql"]["image"], json!({}));
    }
}
