//! Which kinds the cluster serves, and the way to an object of any of them.

use std::collections::{BTreeMap, btree_map::Entry};

use kube::{
    Api, Client,
    api::DynamicObject,
    core::{ApiResource, GroupVersionKind},
    discovery::{Scope, pinned_kind},
};
use serde_json::Value;

use crate::operation::api::DEADLINE;

/// Kinds by `apiVersion` and `kind`; nothing for those that are not served.
pub(super) struct Served(BTreeMap<(String, String), Option<(ApiResource, Scope)>>);

impl Served {
    /// Asks for the kinds of these objects, each once.
    pub(super) async fn of<'a>(client: &Client, objects: impl IntoIterator<Item = &'a Value>) -> Self {
        let mut kinds = BTreeMap::new();
        for object in objects {
            if let Entry::Vacant(place) = kinds.entry(key(object)) {
                let (version, kind) = place.key();
                let (group, version) = version.split_once('/').unwrap_or(("", version));
                let kind = GroupVersionKind::gvk(group, version, kind);
                let known = tokio::time::timeout(DEADLINE, pinned_kind(client, &kind)).await;
                let known = known.ok().and_then(Result::ok);
                place.insert(known.map(|(resource, capabilities)| (resource, capabilities.scope)));
            }
        }
        Self(kinds)
    }

    /// Whether objects like this one are in a namespace; nothing when they are not served at all.
    pub(super) fn scope(&self, object: &Value) -> Option<Scope> {
        Some(self.0.get(&key(object))?.as_ref()?.1.clone())
    }

    /// The way to objects like this one.
    pub(super) fn api(&self, client: &Client, namespace: &str, object: &Value) -> Option<Api<DynamicObject>> {
        let (resource, scope) = self.0.get(&key(object))?.as_ref()?;
        Some(match scope {
            Scope::Cluster => Api::all_with(client.clone(), resource),
            Scope::Namespaced => Api::namespaced_with(client.clone(), namespace, resource),
        })
    }
}

fn key(object: &Value) -> (String, String) {
    let text = |field: &str| object[field].as_str().unwrap_or_default().to_owned();
    (text("apiVersion"), text("kind"))
}
