//! The pod template of a deployment: those of its past, and giving it one of them.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::apps::v1::{Deployment as DeploymentObject, ReplicaSet as ReplicaSetObject},
    apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry,
};
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, ListParams, PostParams},
};
use serde_json::Value;

use super::Context;
use crate::{
    Error, ExitCode,
    operation::api::{DEADLINE, answers, is_conflict, refused},
};

/// Our name as a writer of fields.
const MANAGER: &str = "apimgmt";
const REVISION: &str = "deployment.kubernetes.io/revision";
/// The label by which a replica set tells its pods apart: the deployment's own template has none.
const HASH: &str = "pod-template-hash";
/// Annotations of a replica set that are not the template's past but the controller's notes.
const NOTES: [&str; 6] = [
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "kubectl.kubernetes.io/last-applied-configuration",
    "deprecated.deployment.rollback.to",
];
fn deployments(context: &Context) -> Api<DynamicObject> {
    let resource = ApiResource::erase::<DeploymentObject>(&());
    Api::namespaced_with(context.connected.client.clone(), context.namespace(), &resource)
}

/// The deployment of a name; without one the application's, or the only one.
pub(super) async fn find(context: &Context, name: &str) -> Result<DynamicObject, Error> {
    let namespace = context.namespace();
    let all = answers(
        deployments(context).list(&ListParams::default()),
        "list",
        "deployments",
        namespace,
    )
    .await?
    .items;
    let names: Vec<_> = all.iter().map(ResourceExt::name_any).collect();
    let only = (all.len() == 1).then(|| names[0].as_str());
    let wanted = if name.is_empty() {
        names
            .iter()
            .map(String::as_str)
            .find(|name| *name == "api-management")
            .or(only)
    } else {
        Some(name)
    };
    let found = wanted.and_then(|wanted| all.iter().find(|object| object.name_any() == wanted).cloned());
    found.ok_or_else(|| {
        let error = match wanted {
            Some(name) => Error::usage(format!("there is no deployment `{name}` in `{namespace}`")),
            None => Error::usage(format!("which deployment of `{namespace}`?")),
        };
        error.hint(if names.is_empty() {
            "there is none at all; name another namespace with `-n`".into()
        } else {
            format!("there are: {}", names.join(", "))
        })
    })
}

/// The replica sets of a deployment, by revision.
pub(super) async fn replica_sets(
    context: &Context,
    deployment: &DynamicObject,
) -> Result<BTreeMap<u32, DynamicObject>, Error> {
    let resource = ApiResource::erase::<ReplicaSetObject>(&());
    let sets: Api<DynamicObject> =
        Api::namespaced_with(context.connected.client.clone(), context.namespace(), &resource);
    let all = answers(
        sets.list(&ListParams::default()),
        "list",
        "replicasets",
        context.namespace(),
    )
    .await?;
    let owned = |set: &DynamicObject| {
        set.owner_references()
            .iter()
            .any(|owner| Some(&owner.uid) == deployment.metadata.uid.as_ref())
    };
    Ok(all
        .into_iter()
        .filter(owned)
        .map(|set| (revision(&set), set))
        .filter(|(revision, _)| *revision > 0)
        .collect())
}

pub(super) fn revision(object: &DynamicObject) -> u32 {
    object
        .annotations()
        .get(REVISION)
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// The template of a revision; a revision that is the deployment's own already is left as it is.
pub(super) async fn give_template(context: &Context, name: &str, to: u32) -> Result<(), Error> {
    let deployment = find(context, name).await?;
    let sets = replica_sets(context, &deployment).await?;
    let Some(set) = sets.get(&to) else {
        // Its number moves when it runs again: a resumed rollback finds it as the newest.
        return if revision(&deployment) > to {
            Ok(())
        } else {
            Err(gone(name, to))
        };
    };
    give(context, deployment, set).await
}

/// The template that ran before the rollback: that of the newest revision but the one that runs now.
pub(super) async fn give_former(context: &Context, name: &str, to: u32) -> Result<(), Error> {
    let deployment = find(context, name).await?;
    let sets = replica_sets(context, &deployment).await?;
    let now = revision(&deployment);
    if sets.contains_key(&to) {
        // The target still has its old number, so its template was never given.
        return Ok(());
    }
    let former = sets
        .iter()
        .rev()
        .find(|(revision, _)| **revision < now)
        .map(|(_, set)| set);
    give(context, deployment, former.ok_or_else(|| gone(name, now))?).await
}

fn gone(name: &str, revision: u32) -> Error {
    Error::new(
        ExitCode::Midway,
        format!("revision {revision} of deployment `{name}` is gone"),
    )
    .hint("`kubectl rollout history` shows what is kept")
}

async fn give(context: &Context, mut deployment: DynamicObject, set: &DynamicObject) -> Result<(), Error> {
    let mut template = set.data["spec"]["template"].clone();
    if let Some(labels) = template["metadata"]["labels"].as_object_mut() {
        labels.remove(HASH);
    }
    if deployment.data["spec"]["template"] == template {
        return Ok(());
    }
    deployment.data["spec"]["template"] = template;
    // What a revision says of itself, such as the schema it runs on, is told by its replica set and goes back with it.
    let annotations = deployment.annotations_mut();
    annotations.retain(|key, _| NOTES.contains(&key.as_str()));
    annotations.extend(
        set.annotations()
            .iter()
            .filter(|(key, _)| !NOTES.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone())),
    );
    if let Some(fields) = deployment.data.as_object_mut() {
        fields.insert("status".into(), Value::Null);
    }
    let name = deployment.name_any();
    let params = PostParams {
        field_manager: Some(MANAGER.into()),
        ..PostParams::default()
    };
    let object = format!("deployment/{name}");
    let (api, namespace) = (deployments(context), context.namespace());
    answers(api.replace(&name, &params, &deployment), "update", &object, namespace).await?;
    // The controller writes its status all the while, so the version that was read is soon an old one.
    for _ in 0..10 {
        let mut latest = answers(api.get(&name), "get", &object, namespace).await?;
        if !hand_over(latest.managed_fields_mut()) {
            break;
        }
        match tokio::time::timeout(DEADLINE, api.replace(&name, &params, &latest)).await {
            Ok(Err(error)) if is_conflict(&error) => {}
            Ok(Err(error)) => return Err(refused(error, "update", &object, namespace)),
            Ok(Ok(_)) | Err(_) => break,
        }
    }
    Ok(())
}

/// Hands the fields that we wrote to the one who applies them, as client-go does when it moves to server-side apply: else
/// the next `helm upgrade` would end in a conflict with us, or leave behind what only the old template had.
fn hand_over(managers: &mut Vec<ManagedFieldsEntry>) -> bool {
    let applies =
        |entry: &ManagedFieldsEntry| entry.operation.as_deref() == Some("Apply") && entry.subresource.is_none();
    let Some(owner) = managers.iter().position(applies) else {
        return false;
    };
    let Some(ours) = managers
        .iter()
        .position(|entry| entry.manager.as_deref() == Some(MANAGER))
    else {
        return false;
    };
    let fields = managers[ours]
        .fields_v1
        .take()
        .map(|fields| fields.0)
        .unwrap_or_default();
    if let Some(theirs) = &mut managers[owner].fields_v1 {
        unite(&mut theirs.0, fields);
    }
    managers.remove(ours);
    true
}

/// The union of two sets of fields.
fn unite(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        for (key, fields) in from {
            unite(
                into.entry(key).or_insert_with(|| Value::Object(serde_json::Map::new())),
                fields,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::FieldsV1;

    use super::*;

    fn entry(manager: &str, operation: &str, fields: Value) -> ManagedFieldsEntry {
        ManagedFieldsEntry {
            manager: Some(manager.into()),
            operation: Some(operation.into()),
            fields_v1: Some(FieldsV1(fields)),
            ..ManagedFieldsEntry::default()
        }
    }

    #[test]
    fn helm_owns_again_what_a_rollback_wrote() {
        let mut managers = vec![
            entry(
                "helm",
                "Apply",
                serde_json::json!({"f:spec": {"f:replicas": {}, "f:template": {"f:a": {}}}}),
            ),
            entry(
                MANAGER,
                "Update",
                serde_json::json!({"f:spec": {"f:template": {"f:b": {".": {}}}}}),
            ),
        ];
        assert!(hand_over(&mut managers));
        assert_eq!(managers.len(), 1);
        let expected = serde_json::json!({"f:spec": {"f:replicas": {}, "f:template": {"f:a": {}, "f:b": {".": {}}}}});
        assert_eq!(managers[0].fields_v1.as_ref().unwrap().0, expected);
    }

    #[test]
    fn without_an_applier_nothing_is_handed_over() {
        let mut managers = vec![
            entry("helm", "Update", Value::Null),
            entry(MANAGER, "Update", Value::Null),
        ];
        assert!(!hand_over(&mut managers));
        assert_eq!(managers.len(), 2);
    }
}
