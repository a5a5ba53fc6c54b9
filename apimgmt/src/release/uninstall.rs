//! Removing a release: what holds data is listed and kept, or removed too when its name was typed.

use std::{collections::BTreeSet, time::Duration};

use k8s_openapi::api::core::v1::{ConfigMap, Namespace, PersistentVolumeClaim, Secret};
use kube::{
    Api, Client, Resource, ResourceExt,
    api::{DeleteParams, ListParams},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tokio::time::Instant;

use super::{Helm, manifest, namespace, store::Store};
use crate::{
    Boxed, Error, ExitCode,
    operation::{
        Consent, Interrupt, Plan, Step,
        api::{answers, maybe},
    },
    report::progress::Progress,
};

/// Longest wait until what was deleted is gone.
const GONE: Duration = Duration::from_mins(3);
const KEEP: &str = "helm.sh/resource-policy";
/// What belongs to a release, by the label that charts and stateful sets put on it.
const INSTANCE: &str = "app.kubernetes.io/instance";

/// What a removal meets.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Belongings {
    /// Release.
    pub release: String,
    /// Namespace.
    pub namespace: String,
    /// Newest revision; 0 when the release itself is gone already.
    pub revision: u32,
    /// What holds data, as `kind/name`: volume claims, generated Secrets, what the chart says to keep.
    pub data: BTreeSet<String>,
    /// Whether the namespace was made by us, for this release.
    pub owns_namespace: bool,
}

impl Belongings {
    /// Looks.
    ///
    /// # Errors
    /// When there is nothing of such a release, or it can't be read.
    pub fn of<'a>(
        client: &'a Client,
        namespace: &'a str,
        release: &'a str,
        driver: Option<&'a str>,
    ) -> Boxed<'a, Self> {
        Box::pin(async move {
            let store = Store::of(client.clone(), namespace, release, driver)?;
            let newest = store.history().await?.last().map_or(0, |newest| newest.revision);
            let mut data =
                labelled::<PersistentVolumeClaim>(client, namespace, release, "persistentvolumeclaim").await?;
            if newest > 0 {
                let (kept, removed) = sorted(&store.record(newest).await?.manifest);
                data.extend(kept);
                data.retain(|object| !removed.contains(object));
            }
            if newest == 0 {
                data.extend(labelled::<Secret>(client, namespace, release, "secret").await?);
            }
            let namespaces: Api<Namespace> = Api::all(client.clone());
            let found = maybe(namespaces.get(namespace), "get", &format!("namespace/{namespace}"), "").await?;
            let belongings = Self {
                release: release.into(),
                namespace: namespace.into(),
                revision: newest,
                data,
                owns_namespace: found.is_some_and(|found| namespace::is_ours(&found)),
            };
            if belongings.revision == 0 && belongings.data.is_empty() {
                return Err(Error::usage(format!(
                    "there is no release `{release}` in `{namespace}`, and nothing that it left"
                ))
                .hint("`helm list -A` lists releases"));
            }
            Ok(belongings)
        })
    }

    /// The plan.
    pub fn plan(&self, delete_data: bool) -> Plan {
        let (release, namespace) = (&self.release, &self.namespace);
        let listed = self.data.iter().cloned().collect::<Vec<_>>().join(", ");
        let mut steps = Vec::new();
        if self.revision > 0 {
            steps.push(Step::new(
                "uninstall",
                format!("helm uninstall {release} --wait"),
                "Helm removes what it made",
                format!("helm apimgmt install {release}"),
            ));
        }
        let mut warnings = Vec::new();
        if delete_data {
            if !self.data.is_empty() {
                steps.push(Step::new(
                    "data",
                    format!("delete {listed}"),
                    "asked for by `--delete-data`",
                    "none: the data is gone",
                ));
            }
            if self.owns_namespace {
                steps.push(Step::new(
                    "namespace",
                    format!("delete namespace {namespace} with everything in it"),
                    "helm apimgmt made it",
                    "none",
                ));
            }
            warnings.push("what holds data is deleted for good".into());
        } else if !self.data.is_empty() {
            warnings.push(format!("kept, because it holds data: {listed}"));
            warnings.push("`--delete-data` removes that too".into());
        }
        Plan {
            title: format!("remove release/{release}"),
            namespace: namespace.clone(),
            object: format!("release/{release}"),
            from: self.revision,
            to: 0,
            steps,
            warnings,
        }
    }

    /// Removes.
    ///
    /// # Errors
    /// When something can't be removed.
    pub fn remove<'a>(
        &'a self,
        client: &'a Client,
        helm: &'a Helm,
        delete_data: bool,
        _consent: Consent,
        (progress, interrupt): (&'a Progress, &'a Interrupt),
    ) -> Boxed<'a, ExitCode> {
        Box::pin(async move {
            if self.revision > 0 {
                progress.say(&format!("helm uninstall {} --wait", self.release));
                helm.output("uninstall", [self.release.as_str(), "--wait"]).await?;
            }
            if !delete_data {
                return Ok(if interrupt.is_asked() {
                    ExitCode::Interrupted
                } else {
                    ExitCode::Done
                });
            }
            for object in &self.data {
                if interrupt.is_asked() {
                    return Err(Error::new(
                        ExitCode::Interrupted,
                        "interrupted: some of what holds data is still there",
                    )
                    .hint("`helm apimgmt uninstall --delete-data` goes on"));
                }
                progress.say(&format!("deleting {object}"));
                self.delete(client, object).await?;
            }
            for own in ["configmap/apimgmt-journal", "configmap/apimgmt-probes"] {
                self.delete(client, own).await?;
            }
            if self.owns_namespace {
                progress.say(&format!("deleting namespace/{}", self.namespace));
                namespace::delete(client, &self.namespace).await?;
            }
            self.wait_until_gone(client, progress).await?;
            progress.say("nothing is left");
            Ok(ExitCode::Done)
        })
    }

    async fn delete(&self, client: &Client, object: &str) -> Result<(), Error> {
        let params = DeleteParams::background();
        let Some((kind, name)) = object.split_once('/') else {
            return Ok(());
        };
        match kind {
            "persistentvolumeclaim" => {
                let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), &self.namespace);
                maybe(claims.delete(name, &params), "delete", object, &self.namespace).await?;
            }
            "secret" => {
                let secrets: Api<Secret> = Api::namespaced(client.clone(), &self.namespace);
                maybe(secrets.delete(name, &params), "delete", object, &self.namespace).await?;
            }
            "configmap" => {
                let maps: Api<ConfigMap> = Api::namespaced(client.clone(), &self.namespace);
                maybe(maps.delete(name, &params), "delete", object, &self.namespace).await?;
            }
            _ => {
                return Err(Error::new(
                    ExitCode::Midway,
                    format!("the chart keeps `{object}`, a kind that is not deleted by itself"),
                )
                .hint(format!("kubectl delete {kind} {name} -n {}", self.namespace)));
            }
        }
        Ok(())
    }

    /// Deletions are only asked for; volumes and namespaces take their time.
    async fn wait_until_gone(&self, client: &Client, progress: &Progress) -> Result<(), Error> {
        let began = Instant::now();
        loop {
            let left = if self.owns_namespace {
                let namespaces: Api<Namespace> = Api::all(client.clone());
                let object = format!("namespace/{}", self.namespace);
                maybe(namespaces.get(&self.namespace), "get", &object, "")
                    .await?
                    .map(|_| object)
                    .into_iter()
                    .collect()
            } else {
                labelled::<PersistentVolumeClaim>(client, &self.namespace, &self.release, "persistentvolumeclaim")
                    .await?
            };
            if left.is_empty() {
                return Ok(());
            }
            if began.elapsed() > GONE {
                let left = left.into_iter().collect::<Vec<_>>().join(", ");
                return Err(
                    Error::new(ExitCode::Midway, format!("{left} is being deleted, and still there")).hint(format!(
                        "`kubectl get all,pvc -n {}` shows what holds it up",
                        self.namespace
                    )),
                );
            }
            progress.spin("waiting until everything is gone");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

/// Objects of a manifest, as `kind/name`: those that the chart tells Helm to keep, and those that Helm removes.
fn sorted(text: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    let name = |object: &Value| {
        let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
        format!("{kind}/{}", object["metadata"]["name"].as_str().unwrap_or_default())
    };
    let (kept, removed): (Vec<_>, Vec<_>) = manifest::objects(text)
        .unwrap_or_default()
        .into_iter()
        .partition(|object| object["metadata"]["annotations"][KEEP] == "keep");
    (kept.iter().map(name).collect(), removed.iter().map(name).collect())
}

async fn labelled<K>(client: &Client, namespace: &str, release: &str, kind: &str) -> Result<BTreeSet<String>, Error>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let objects: Api<K> = Api::namespaced(client.clone(), namespace);
    let params = ListParams::default().labels(&format!("{INSTANCE}={release}"));
    let listed = answers(objects.list_metadata(&params), "list", &format!("{kind}s"), namespace).await?;
    Ok(listed
        .iter()
        .map(|object| format!("{kind}/{}", object.name_any()))
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn belongings() -> Belongings {
        Belongings {
            release: "shop".into(),
            namespace: "shop".into(),
            revision: 3,
            data: ["persistentvolumeclaim/data-0".to_owned(), "secret/password".to_owned()].into(),
            owns_namespace: true,
        }
    }

    #[test]
    fn what_the_chart_keeps_is_told_from_what_helm_removes() {
        let manifest = "---\nkind: Secret\nmetadata: {name: a, annotations: {helm.sh/resource-policy: keep}}\n---\nkind: PersistentVolumeClaim\nmetadata: {name: b}\n";
        let (kept, removed) = sorted(manifest);
        assert_eq!(kept, ["secret/a".to_owned()].into());
        assert_eq!(removed, ["persistentvolumeclaim/b".to_owned()].into());
    }

    #[test]
    fn a_plain_removal_keeps_what_holds_data_and_says_so() {
        let plan = belongings().plan(false);
        assert_eq!(
            plan.steps.iter().map(|step| step.id.as_str()).collect::<Vec<_>>(),
            ["uninstall"]
        );
        assert!(plan.warnings[0].contains("persistentvolumeclaim/data-0, secret/password"));
    }

    #[test]
    fn a_removal_with_data_leaves_nothing_but_a_namespace_of_others() {
        let ids = |belongings: &Belongings| {
            belongings
                .plan(true)
                .steps
                .into_iter()
                .map(|step| step.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(ids(&belongings()), ["uninstall", "data", "namespace"]);
        assert_eq!(
            ids(&Belongings {
                owns_namespace: false,
                revision: 0,
                ..belongings()
            }),
            ["data"]
        );
    }
}
