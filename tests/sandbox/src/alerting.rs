//! Where the alerts of a release go: a receiver that shows what arrived, as an extra object of the release.
use serde_json::{Value, json};

/// What the release's alerts arrive at: a double of what pages people.
pub(crate) const RECEIVER: &str = "alert-receiver";
pub(crate) const RECEIVER_PORT: u16 = 8080;

/// Everything goes to the receiver, and at once: nobody is spared a burst of pages here.
pub(crate) fn alertmanager() -> Value {
    let url = format!("http://{RECEIVER}:{RECEIVER_PORT}/alerts");
    json!({
        "route": {"receiver": "default", "group_by": ["alertname"], "group_wait": "1s", "group_interval": "10s", "repeat_interval": "4h"},
        "receivers": [{"name": "default", "webhook_configs": [{"url": url, "send_resolved": true}]}],
    })
}

/// Of the sixth phase, as the rest of the monitoring.
fn labels() -> Value {
    json!({"app": RECEIVER, "app.kubernetes.io/name": RECEIVER, "app.kubernetes.io/component": "monitoring", "apimgmt.io/phase": "6"})
}

/// The receiver's pod.
pub(crate) fn receiver(image: &Value) -> Value {
    let part = |key: &str| image[key].as_str().unwrap_or_default();
    let mut pod_labels = labels();
    pod_labels["apimgmt.io/network"] = json!("monitoring");
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": RECEIVER, "labels": labels()},
        "spec": {
            "replicas": 1,
            "selector": {"matchLabels": {"app": RECEIVER}},
            "template": {
                "metadata": {"labels": pod_labels},
                "spec": {
                    "serviceAccountName": "monitoring",
                    "automountServiceAccountToken": false,
                    "enableServiceLinks": false,
                    "imagePullSecrets": [{"name": "registry-credentials"}],
                    "securityContext": {"runAsNonRoot": true, "runAsUser": 10001, "runAsGroup": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
                    "containers": [{
                        "name": RECEIVER,
                        "image": format!("{}/{}@{}", part("registry"), part("repository"), part("digest")),
                        "ports": [{"name": "http", "containerPort": RECEIVER_PORT}],
                        "readinessProbe": {"httpGet": {"path": "/health", "port": "http"}},
                        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "64Mi"}},
                        "securityContext": {"allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]}},
                    }],
                },
            },
        },
    })
}

/// Where Alertmanager finds it.
pub(crate) fn receiver_service() -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": RECEIVER, "labels": labels()},
        "spec": {"selector": {"app": RECEIVER}, "ports": [{"name": "http", "port": RECEIVER_PORT, "targetPort": "http"}]},
    })
}
