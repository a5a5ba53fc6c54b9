//! Results as evidence in the namespace: one small config map for each item.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::{
    Api, Client,
    api::{Patch, PatchParams},
};
use serde_json::json;

use crate::{Error, snapshot::sessions::ProbeResult};

/// Writes the results; those of a former run of the same items are replaced.
pub(super) async fn write(client: &Client, namespace: &str, results: &[ProbeResult]) -> Result<(), Error> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let mut by_item: BTreeMap<&str, Vec<&ProbeResult>> = BTreeMap::new();
    for result in results {
        by_item.entry(&result.item).or_default().push(result);
    }
    for (item, results) in by_item {
        let name = format!("apimgmt-probe-{}", item.replace('/', "-"));
        let data: BTreeMap<String, String> = results
            .iter()
            .enumerate()
            .map(|(index, result)| (format!("{index}.json"), json!(result).to_string()))
            .collect();
        let map = json!({
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": { "name": name, "labels": { "apimgmt.io/probe": "true" } },
            "data": data,
        });
        let owned = PatchParams::apply("kubectl-apimgmt").force();
        maps.patch(&name, &owned, &Patch::Apply(map)).await.map_err(|error| {
            Error::could_not(format!(
                "could not store the probe's result in configmap/{name} in `{namespace}`"
            ))
            .because(error)
            .hint("storing evidence needs `patch` of configmaps")
        })?;
    }
    Ok(())
}
