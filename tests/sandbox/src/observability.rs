//! What watches the releases from beside them, as a platform team would run it: Loki, which the node's log agent fills, and
//! Zipkin, which applications send their spans to.
use anyhow::Result;
use kube::Client;
use serde_json::{Value, json};

use crate::{cluster, images::Pushed};

/// The namespace that they run in.
pub(crate) const NAMESPACE: &str = "observability";

const LOGS: &str = include_str!("../manifests/logs.yaml");
const TRACES: &str = include_str!("../manifests/traces.yaml");

/// Where logs are sent and asked for; an address of its own, since the node knows no names of the cluster.
pub(crate) const LOKI_ADDRESS: &str = "10.96.0.20";
pub(crate) const LOKI_PORT: u16 = 3100;
const ZIPKIN_PORT: u16 = 9411;

/// Starts those that the registry has an image of: a lean sandbox has none.
pub(crate) async fn start(client: &Client, pushed: &[Pushed]) -> Result<()> {
    for (name, manifest) in [("loki", LOGS), ("zipkin", TRACES)] {
        let Some(image) = Pushed::find(pushed, name) else {
            continue;
        };
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
        cluster::apply_object(client, namespace).await?;
        let placeholder = format!("IMAGE_{}", name.to_uppercase());
        let manifest = manifest.replace("LOKI_ADDRESS", LOKI_ADDRESS);
        cluster::apply(client, &manifest.replace(&placeholder, &image.reference())).await?;
    }
    Ok(())
}

/// `checklist.logs`, where Loki runs.
pub(crate) fn logs(pushed: &[Pushed]) -> Option<Value> {
    Pushed::find(pushed, "loki").map(|_| json!({"kind": "loki", "url": format!("http://loki.{NAMESPACE}:{LOKI_PORT}")}))
}

/// The egress of those who look for lines.
pub(crate) fn way_to_logs() -> Value {
    way_to(LOKI_PORT)
}

/// `checklist.apm`, where Zipkin runs.
pub(crate) fn apm(pushed: &[Pushed]) -> Option<Value> {
    Pushed::find(pushed, "zipkin").map(|_| json!({"kind": "zipkin", "url": zipkin()}))
}

/// Where applications send their spans.
pub(crate) fn spans() -> String {
    format!("{}/api/v2/spans", zipkin())
}

/// The egress of those who send spans, and of those who look for them.
pub(crate) fn way_to_traces() -> Value {
    way_to(ZIPKIN_PORT)
}

fn zipkin() -> String {
    format!("http://zipkin.{NAMESPACE}:{ZIPKIN_PORT}")
}

fn way_to(port: u16) -> Value {
    json!({
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}}}],
        "ports": [{"port": port, "protocol": "TCP"}],
    })
}
