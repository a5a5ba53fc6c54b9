//! Stores statements: create only, immutable, under a name that the server makes.

use std::collections::BTreeMap;

use k8s_openapi::api::{authentication::v1::SelfSubjectReview, core::v1::ConfigMap};
use kube::{
    Api, Client,
    api::{ObjectMeta, PostParams},
};
use serde::Serialize;

use super::{IMPORT_LABEL, KEY, STATEMENT_LABEL};
use crate::{
    Boxed, Error,
    operation::api::answers,
    snapshot::sessions::{Import, Statement},
};

/// Who the API server takes us for; with `--as`, the one who is impersonated.
///
/// # Errors
/// When the server does not answer or does not say.
pub fn identity(client: &Client) -> Boxed<'_, String> {
    Box::pin(async move {
        let reviews: Api<SelfSubjectReview> = Api::all(client.clone());
        let (request, parameters) = (SelfSubjectReview::default(), PostParams::default());
        let review = answers(
            reviews.create(&parameters, &request),
            "create",
            "selfsubjectreviews.authentication.k8s.io",
            "",
        )
        .await?;
        let user = review.status.and_then(|status| status.user_info?.username);
        user.filter(|name| !name.is_empty()).ok_or_else(|| {
            Error::could_not("the API server does not say who you are").hint("try `kubectl auth whoami`")
        })
    })
}

/// Stores an attestation, a waiver or a revocation; gives the name of its object.
///
/// # Errors
/// When the API server refuses, or does not answer.
pub fn keep_statement<'a>(client: &'a Client, namespace: &'a str, statement: &'a Statement) -> Boxed<'a, String> {
    let about = [("apimgmt.io/item", statement.item.replace('/', "."))];
    Box::pin(keep(client, namespace, STATEMENT_LABEL, "statement", about, statement))
}

/// Stores an imported report; gives the name of its object.
///
/// # Errors
/// When the API server refuses, or does not answer.
pub fn keep_import<'a>(client: &'a Client, namespace: &'a str, import: &'a Import) -> Boxed<'a, String> {
    Box::pin(keep(client, namespace, IMPORT_LABEL, "import", [], import))
}

async fn keep(
    client: &Client,
    namespace: &str,
    label: &str,
    what: &str,
    about: impl IntoIterator<Item = (&'static str, String)>,
    content: &impl Serialize,
) -> Result<String, Error> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let labels = about
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .chain([(label.to_owned(), "true".to_owned())]);
    let text = serde_json::to_string(content).map_err(|error| Error::could_not("could not write it").because(error))?;
    let map = ConfigMap {
        metadata: ObjectMeta {
            generate_name: Some(format!("apimgmt-{what}-")),
            labels: Some(labels.collect()),
            ..ObjectMeta::default()
        },
        data: Some(BTreeMap::from([(KEY.to_owned(), text)])),
        immutable: Some(true),
        ..ConfigMap::default()
    };
    let parameters = PostParams::default();
    let kept = answers(maps.create(&parameters, &map), "create", "configmaps", namespace).await?;
    Ok(format!("configmap/{}", kept.metadata.name.unwrap_or_default()))
}
