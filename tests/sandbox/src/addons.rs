//! What is on every sandbox: name service, storage, metrics, kinds that other projects define.
use anyhow::Result;
use kube::Client;

use crate::{
    cluster,
    parts::Parts,
    site::{DNS_ADDRESS, NODE_ADDRESS, Site},
};

/// The images of the node itself, in the order of their import: no pod starts without `pause`.
pub(crate) const IMAGES: &[&str] = &[
    "pause",
    "coredns",
    "busybox",
    "local-path-provisioner",
    "metrics-server",
];

const MANIFESTS: &[&str] = &[
    include_str!("../manifests/dns.yaml"),
    include_str!("../manifests/storage.yaml"),
    include_str!("../manifests/metrics.yaml"),
    include_str!("../manifests/vulnerability-reports.yaml"),
];

/// Deployments of `kube-system` without which the node is of no use.
pub(crate) const NEEDED: &[&str] = &["coredns", "local-path-provisioner"];

/// Applies the manifests.
pub(crate) async fn apply(site: &Site, client: &Client, parts: &Parts) -> Result<()> {
    for manifest in MANIFESTS {
        cluster::apply(
            client,
            &fill(manifest, site, |name| Ok(parts.image(name)?.reference()))?,
        )
        .await?;
    }
    for definition in parts.definitions()? {
        cluster::apply(client, &definition).await?;
    }
    Ok(())
}

/// Puts this sandbox's addresses, folders and images into a manifest.
fn fill(manifest: &str, site: &Site, reference: impl Fn(&str) -> Result<String>) -> Result<String> {
    let mut text = manifest
        .replace("NODE_ADDRESS", NODE_ADDRESS)
        .replace("DNS_ADDRESS", DNS_ADDRESS)
        .replace("VOLUMES", &site.text("volumes"));
    for name in IMAGES {
        let placeholder = format!("IMAGE_{}", name.to_uppercase().replace('-', "_"));
        if text.contains(&placeholder) {
            text = text.replace(&placeholder, &reference(name)?);
        }
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_filled_and_well_formed() {
        let site = Site::at(std::path::Path::new("/")).unwrap();
        for manifest in MANIFESTS {
            let text = fill(manifest, &site, |name| Ok(format!("localhost/{name}:1"))).unwrap();
            assert!(
                !text.contains("IMAGE_") && !text.contains("VOLUMES") && !text.contains("_ADDRESS"),
                "{text}"
            );
            for document in serde_yaml::Deserializer::from_str(&text) {
                let object: serde_json::Value = serde::Deserialize::deserialize(document).unwrap();
                assert!(
                    object["kind"].is_string() && object["metadata"]["name"].is_string(),
                    "{object}"
                );
            }
        }
    }
}
