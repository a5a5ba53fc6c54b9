//! What a cluster holds outside the namespaces of releases: the sandbox's own objects right after its start, and
//! leftovers of tests later.
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, PartialObjectMeta},
    core::{ApiResource, DynamicObject},
    discovery::{ApiGroup, Discovery, verbs},
};

/// Namespaces that belong to the cluster itself.
pub(crate) const SYSTEM_NAMESPACES: &[&str] = &["default", "kube-node-lease", "kube-public", "kube-system"];

/// Kinds whose objects come and go by themselves.
const UNSTABLE: &[&str] = &[
    "Event",
    "Lease",
    "Endpoints",
    "EndpointSlice",
    "IPAddress",
    "Pod",
    "ReplicaSet",
    "CSINode",
    "PodMetrics",
];

/// One object that could be deleted.
pub(crate) struct Entry {
    pub(crate) resource: ApiResource,
    pub(crate) namespace: Option<String>,
    pub(crate) name: String,
    /// Whether another object is responsible for it.
    owned: bool,
    /// Whether it is being deleted, and waits for somebody to take a finalizer off.
    pub(crate) waits_for_finalizer: bool,
}

/// Every object that isn't owned by another one, by a name that stays the same; namespaces of releases are one entry.
pub(crate) async fn take(client: &Client) -> Result<BTreeMap<String, Entry>> {
    let entries = all(client).await?.into_iter().filter(|entry| {
        !entry.owned
            && !UNSTABLE.contains(&entry.resource.kind.as_str())
            && !entry.is_made_when_needed()
            && entry
                .namespace
                .as_deref()
                .is_none_or(|namespace| SYSTEM_NAMESPACES.contains(&namespace))
    });
    Ok(entries.map(|entry| (entry.key(), entry)).collect())
}

/// Every object of the cluster that could be deleted.
pub(crate) async fn all(client: &Client) -> Result<Vec<Entry>> {
    let discovery = Discovery::new(client.clone()).run_aggregated().await;
    let discovery = discovery.context("can't learn the kinds of the cluster")?;
    let kinds: Vec<ApiResource> = discovery
        .groups()
        .flat_map(ApiGroup::recommended_resources)
        .filter(|(_, capabilities)| {
            capabilities.supports_operation(verbs::LIST) && capabilities.supports_operation(verbs::DELETE)
        })
        .map(|(resource, _)| resource)
        .collect();
    let lists: Vec<Vec<Entry>> = stream::iter(kinds)
        .map(|kind| list(client, kind))
        .buffer_unordered(8)
        .try_collect()
        .await?;
    Ok(lists.into_iter().flatten().collect())
}

async fn list(client: &Client, resource: ApiResource) -> Result<Vec<Entry>> {
    let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(client.clone(), &resource);
    let objects = match api.list(&ListParams::default()).await {
        Ok(objects) => objects,
        // A kind whose definition was deleted meanwhile.
        Err(kube::Error::Api(status)) if status.code == 404 => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("can't list the {} of the cluster", resource.plural)),
    };
    Ok(objects
        .into_iter()
        // The API server makes these for every group it serves.
        .filter(|object| {
            !object
                .labels()
                .contains_key("kube-aggregator.kubernetes.io/automanaged")
        })
        .map(|object| Entry {
            resource: resource.clone(),
            namespace: object.namespace(),
            name: object.name_any(),
            owned: !object.owner_references().is_empty(),
            waits_for_finalizer: object.metadata.deletion_timestamp.is_some() && !object.finalizers().is_empty(),
        })
        .collect())
}

impl Entry {
    pub(crate) fn api(&self, client: &Client) -> Api<DynamicObject> {
        match &self.namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &self.resource),
            None => Api::all_with(client.clone(), &self.resource),
        }
    }

    /// Controllers make these when they first need them, and again when they are deleted.
    fn is_made_when_needed(&self) -> bool {
        match self.resource.kind.as_str() {
            "ServiceAccount" => self.namespace.as_deref() == Some("kube-system") || self.name == "default",
            "ConfigMap" => self.name == "kube-root-ca.crt",
            _ => false,
        }
    }

    pub(crate) fn key(&self) -> String {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        format!(
            "{}/{} {namespace}/{}",
            self.resource.group, self.resource.kind, self.name
        )
    }
}
