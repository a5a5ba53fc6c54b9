//! The release's namespace: made with its Pod Security labels, and recognised as ours afterwards.

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::{
    Error,
    operation::api::{answers, maybe},
};

/// The annotation of what we made ourselves.
pub(super) const CREATED_BY: (&str, &str) = ("apimgmt.io/created-by", "helm-apimgmt");

const LABELS: [(&str, &str); 3] = [
    ("pod-security.kubernetes.io/enforce", "restricted"),
    ("pod-security.kubernetes.io/audit", "restricted"),
    ("pod-security.kubernetes.io/warn", "restricted"),
];

/// What was found or done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Made {
    /// It was not there.
    Created,
    /// It was ours, and lacked labels.
    Labelled,
    /// It is as it was.
    Found,
}

/// Makes sure that the namespace is there. One that somebody else made stays as it is: its labels are theirs to decide.
///
/// # Errors
/// When it can't be made, or is being deleted.
pub(super) async fn ensure(client: &Client, name: &str) -> Result<Made, Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    let object = format!("namespace/{name}");
    let Some(found) = maybe(namespaces.get(name), "get", &object, "").await? else {
        let wanted = Namespace {
            metadata: ObjectMeta {
                name: Some(name.into()),
                labels: Some(LABELS.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
                annotations: Some([(CREATED_BY.0.to_owned(), CREATED_BY.1.to_owned())].into()),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        answers(
            namespaces.create(&PostParams::default(), &wanted),
            "create",
            &object,
            "",
        )
        .await?;
        return Ok(Made::Created);
    };
    if found.metadata.deletion_timestamp.is_some() {
        return Err(
            Error::could_not(format!("namespace `{name}` is being deleted")).hint(format!(
                "wait for it: `kubectl wait --for=delete namespace/{name} --timeout=5m`"
            )),
        );
    }
    let missing: Vec<_> = LABELS
        .iter()
        .filter(|(key, _)| !found.labels().contains_key(*key))
        .collect();
    if !is_ours(&found) || missing.is_empty() {
        return Ok(Made::Found);
    }
    let labels: serde_json::Map<_, _> = missing
        .into_iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect();
    let patch = Patch::Merge(json!({"metadata": {"labels": labels}}));
    answers(
        namespaces.patch(name, &PatchParams::default(), &patch),
        "patch",
        &object,
        "",
    )
    .await?;
    Ok(Made::Labelled)
}

/// Whether we made it.
pub(super) fn is_ours(namespace: &Namespace) -> bool {
    namespace
        .annotations()
        .get(CREATED_BY.0)
        .is_some_and(|by| by == CREATED_BY.1)
}

/// Deletes it.
///
/// # Errors
/// When it can't be deleted.
pub(super) async fn delete(client: &Client, name: &str) -> Result<(), Error> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    maybe(
        namespaces.delete(name, &DeleteParams::default()),
        "delete",
        &format!("namespace/{name}"),
        "",
    )
    .await?;
    Ok(())
}
