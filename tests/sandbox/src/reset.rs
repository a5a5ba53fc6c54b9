//! `sandbox reset`: back to what the cluster held right after its start, without starting it again.
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, Client,
    api::{DeleteParams, ListParams, Patch, PatchParams, PropagationPolicy},
};
use serde_json::json;

use crate::{
    cluster, file, identity,
    inventory::{self, Entry},
    observability,
    progress::Progress,
    site::Site,
};

/// Where the names of the sandbox's own objects are.
const BASELINE: &str = "run/baseline.json";

/// Writes down what a new cluster holds, for later resets.
pub(crate) async fn remember(site: &Site, client: &Client) -> Result<()> {
    if site.in_state(BASELINE).exists() {
        return Ok(());
    }
    let keys: Vec<String> = inventory::take(client).await?.into_keys().collect();
    file::write(&site.in_state(BASELINE), &serde_json::to_string_pretty(&keys)?)
}

/// Deletes everything that came later.
pub(crate) async fn run(site: &Site, progress: &Progress) -> Result<()> {
    let client = cluster::client(site).await?;
    let path = site.in_state(BASELINE);
    let text = std::fs::read(&path).context("there is no list of the sandbox's own objects\nhint: `sandbox up`")?;
    let baseline: BTreeSet<String> = serde_json::from_slice(&text)?;
    let leftovers: Vec<Entry> = inventory::take(&client)
        .await?
        .into_iter()
        .filter(|(key, _)| !baseline.contains(key))
        .map(|(_, entry)| entry)
        .filter(|entry| !runs_beside(entry))
        .collect();
    let count = leftovers.len();
    // What could refuse the other deletions goes first.
    let (guards, others): (Vec<_>, Vec<_>) = leftovers
        .into_iter()
        .partition(|entry| entry.resource.kind.ends_with("WebhookConfiguration"));
    for group in [&guards, &others] {
        stream::iter(group)
            .for_each_concurrent(8, |entry| delete(&client, entry, progress))
            .await;
    }
    delete_pods(&client, &others).await?;
    let patience = Instant::now() + Duration::from_secs(5);
    cluster::wait_for("the leftovers to go", Duration::from_mins(1), async || {
        let mut left = None;
        for entry in guards.iter().chain(&others) {
            if entry.api(&client).get_metadata_opt(&entry.name).await?.is_some() {
                left = Some(entry.key());
            }
        }
        if left.is_some() && Instant::now() > patience {
            take_finalizers_off(&client).await?;
        }
        left.map_or(Ok(true), |key| bail!("{key} is still there"))
    })
    .await?;
    progress.say(format!("{count} leftovers deleted"));
    Ok(())
}

/// Whether it is the namespace of something that `up` starts beside the releases, after the list was written.
fn runs_beside(entry: &Entry) -> bool {
    entry.resource.kind == "Namespace" && [identity::NAMESPACE, observability::NAMESPACE].contains(&entry.name.as_str())
}

/// Frees what waits for a controller that nobody runs any more.
async fn take_finalizers_off(client: &Client) -> Result<()> {
    let none = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    for entry in inventory::all(client)
        .await?
        .iter()
        .filter(|entry| entry.waits_for_finalizer)
    {
        // It may have gone meanwhile; if not, the next round tries again.
        let _ = entry
            .api(client)
            .patch(&entry.name, &PatchParams::default(), &none)
            .await;
    }
    Ok(())
}

async fn delete(client: &Client, entry: &Entry, progress: &Progress) {
    let parameters = DeleteParams {
        propagation_policy: Some(PropagationPolicy::Background),
        ..DeleteParams::default()
    };
    match entry.api(client).delete(&entry.name, &parameters).await {
        Ok(_) => {}
        Err(kube::Error::Api(status)) if status.code == 404 => {}
        Err(error) => progress.say(format!("can't delete {}: {error}", entry.key())),
    }
}

/// Ends the pods of the namespaces at once: a test's pod may ignore SIGTERM for its whole grace period.
async fn delete_pods(client: &Client, leftovers: &[Entry]) -> Result<()> {
    let namespaces = leftovers.iter().filter(|entry| entry.resource.kind == "Namespace");
    let at_once = DeleteParams::default().grace_period(0);
    for namespace in namespaces.map(|entry| entry.name.as_str()).chain(["default"]) {
        let pods = Api::<Pod>::namespaced(client.clone(), namespace);
        pods.delete_collection(&at_once, &ListParams::default())
            .await
            .with_context(|| format!("can't delete the pods of {namespace}"))?;
    }
    Ok(())
}
