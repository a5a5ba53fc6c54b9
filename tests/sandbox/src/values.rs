//! The Helm values that fit this sandbox: its images by digest, its ingress, its authority.
use std::fs;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::{
    file,
    images::Pushed,
    platform::CLASS,
    record::Ports,
    site::{HOST, REGISTRY, Site},
};

/// Writes `values.yaml` for the chart.
pub(crate) fn write(site: &Site, ports: Ports, pushed: &[Pushed]) -> Result<()> {
    let path = site.in_state("pki/ca.crt");
    let authority = fs::read_to_string(&path).with_context(|| format!("can't read {}", path.display()))?;
    let values = values(ports, &authority, pushed);
    let text = format!("# Written by `sandbox up`: what the chart needs to know of this sandbox.\n{}", serde_yaml::to_string(&values)?);
    file::write(&site.output.join("values.yaml"), &text)
}

fn values(ports: Ports, authority: &str, pushed: &[Pushed]) -> Value {
    let image = |name: &str| {
        let found = pushed.iter().find(|image| image.repository.ends_with(&format!("/{name}")));
        found.map_or(Value::Null, |image| {
            json!({"registry": REGISTRY, "repository": name, "tag": image.tag, "digest": image.digest})
        })
    };
    json!({
        "images": {"pullSecrets": ["registry-credentials"]},
        "postgresql": {"image": image("postgres"), "majorVersion": 15},
        "redis": {"image": image("redis")},
        "application": {"image": image("api-management")},
    })
}
