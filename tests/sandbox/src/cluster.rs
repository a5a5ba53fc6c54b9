//! The sandbox's Kubernetes as a client sees it: waiting for it, and applying manifests.
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Node};
use kube::{
    Api, Client, Config, ResourceExt,
    api::{DynamicObject, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::{ApiResource, GroupVersionKind},
};

use serde_json::Value;

use crate::site::Site;

/// Who owns the fields that the sandbox applies.
const OWNER: &str = "apimgmt-sandbox";

/// A client of this checkout's sandbox.
pub(crate) async fn client(site: &Site) -> Result<Client> {
    let path = site.kubeconfig();
    let kubeconfig = Kubeconfig::read_from(&path).with_context(|| format!("can't read {}", path.display()))?;
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    // It is on this machine, whatever the environment says about proxies.
    config.proxy_url = None;
    Ok(Client::try_from(config)?)
}

/// Asks until the answer is yes; an error counts as "not yet", and the last one is told when time is up.
pub(crate) async fn wait_for(what: &str, limit: Duration, mut is_so: impl AsyncFnMut() -> Result<bool>) -> Result<()> {
    let deadline = Instant::now() + limit;
    loop {
        let answer = is_so().await;
        if matches!(answer, Ok(true)) {
            return Ok(());
        }
        if Instant::now() > deadline {
            let last = answer.err().map_or_else(String::new, |error| format!(": {error:#}"));
            bail!(
                "waited {} s for {what}{last}\nhint: see the logs that `sandbox status` names, or start anew with `sandbox up --fresh`",
                limit.as_secs()
            );
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Whether the API server says that it is ready.
pub(crate) async fn api_is_ready(client: &Client) -> Result<bool> {
    let request = http_get("/readyz")?;
    Ok(client.request_text(request).await? == "ok")
}

/// Whether the metrics API serves the node's numbers.
pub(crate) async fn metrics_are_there(client: &Client) -> Result<bool> {
    let request = http_get("/apis/metrics.k8s.io/v1beta1/nodes/node1")?;
    Ok(client.request_text(request).await?.contains("usage"))
}

fn http_get(path: &str) -> Result<http::Request<Vec<u8>>> {
    Ok(http::Request::get(path).body(Vec::new())?)
}

/// Whether the node takes pods.
pub(crate) async fn node_is_ready(client: &Client) -> Result<bool> {
    let node = Api::<Node>::all(client.clone()).get("node1").await?;
    let conditions = node.status.and_then(|status| status.conditions).unwrap_or_default();
    Ok(conditions
        .iter()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True"))
}

/// Whether every replica of a Deployment of `kube-system` is ready.
pub(crate) async fn deployment_is_ready(client: &Client, name: &str) -> Result<bool> {
    let deployment = Api::<Deployment>::namespaced(client.clone(), "kube-system")
        .get(name)
        .await?;
    let wanted = deployment.spec.and_then(|spec| spec.replicas).unwrap_or(1);
    Ok(deployment.status.and_then(|status| status.ready_replicas).unwrap_or(0) >= wanted)
}

/// Applies every document of a manifest.
pub(crate) async fn apply(client: &Client, manifest: &str) -> Result<()> {
    for document in serde_yaml::Deserializer::from_str(manifest) {
        let object: Value = serde::Deserialize::deserialize(document).context("a manifest is malformed")?;
        apply_object(client, object).await?;
    }
    Ok(())
}

/// Applies one object.
pub(crate) async fn apply_object(client: &Client, object: Value) -> Result<()> {
    let object: DynamicObject = serde_json::from_value(object).context("an object is malformed")?;
    let kind = object.types.clone().context("an object has no kind")?;
    let name = object.name_any();
    let resource = ApiResource::from_gvk(&GroupVersionKind::try_from(&kind)?);
    let api: Api<DynamicObject> = match &object.metadata.namespace {
        Some(namespace) => Api::namespaced_with(client.clone(), namespace, &resource),
        None => Api::all_with(client.clone(), &resource),
    };
    api.patch(&name, &PatchParams::apply(OWNER).force(), &Patch::Apply(&object))
        .await
        .with_context(|| format!("can't apply {} {name}", kind.kind))?;
    Ok(())
}
