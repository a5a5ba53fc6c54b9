//! What a cluster holds outside the namespaces of releases: the sandbox's own objects right after its start, and
//! leftovers of tests later.
use std::collections::BTreeMap;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use kube::{
    Api, Client, ResourceExt,
    api::{ListParams, PartialObjectMeta},
    core::{ApiResource, DynamicObject},
    discovery::{ApiCapabilities, Discovery, Scope, verbs},
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
}

impl Entry {
    pub(crate) fn api(&self, client: &Client) -> Api<DynamicObject> {
        match &self.namespace {
            Some(namespace) => Api::namespaced_with(client.clone(), namespace, &self.resource),
            None => Api::all_with(client.clone(), &self.resource),
        }
    }
}

/// Every object that isn't owned by another one, by a name that stays the same; namespaces of releases are one entry.
pub(crate) async fn take(client: &Client) -> Result<BTreeMap<String, Entry>> {
    let discovery = Discovery::new(client.clone())
        .run_aggregated()
        .await
        .context("can't learn the kinds of the cluster")?;
    let kinds: Vec<(ApiResource, ApiCapabilities)> = discovery
        .groups()
        .flat_map(kube::discovery::ApiGroup::recommended_resources)
        .filter(|(resource, capabilities)| {
            capabilities.supports_operation(verbs::LIST)
                && capabilities.supports_operation(verbs::DELETE)
                && !UNSTABLE.contains(&resource.kind.as_str())
        })
        .collect();
    let lists: Vec<Vec<Entry>> = stream::iter(kinds)
        .map(|kind| list(client, kind))
        .buffer_unordered(8)
        .try_collect()
        .await?;
    Ok(lists.into_iter().flatten().map(|entry| (entry.key(), entry)).collect())
}

async fn list(client: &Client, (resource, capabilities): (ApiResource, ApiCapabilities)) -> Result<Vec<Entry>> {
    let api: Api<PartialObjectMeta<DynamicObject>> = Api::all_with(client.clone(), &resource);
    let objects = api
        .list(&ListParams::default())
        .await
        .with_context(|| format!("can't list the {} of the cluster", resource.plural))?;
    Ok(objects
        .into_iter()
        .filter(|object| object.owner_references().is_empty())
        // The API server makes these for every group it serves.
        .filter(|object| {
            !object
                .labels()
                .contains_key("kube-aggregator.kubernetes.io/automanaged")
        })
        .filter(|object| {
            capabilities.scope == Scope::Cluster
                || object
                    .namespace()
                    .is_some_and(|namespace| SYSTEM_NAMESPACES.contains(&namespace.as_str()))
        })
        .map(|object| Entry {
            resource: resource.clone(),
            namespace: object.namespace(),
            name: object.name_any(),
        })
        .collect())
}

impl Entry {
    pub(crate) fn key(&self) -> String {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        format!(
            "{}/{} {namespace}/{}",
            self.resource.group, self.resource.kind, self.name
        )
    }
}
