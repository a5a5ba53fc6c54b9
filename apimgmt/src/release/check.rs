//! The pre-flight: values against the schema, every rendered object tried on the server without keeping it, then the items.

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::{
    Api, Client,
    api::{Patch, PatchParams, PostParams},
    discovery::Scope,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{
    Helm, Reader,
    phases::{Judged, SetAside, Verdicts},
    rendered,
    served::Served,
    values::{self, Chosen},
};
use crate::{
    Boxed, Error, ExitCode,
    checklist::{ALL, Phase, Stage},
    connection::Connected,
    operation::api::{DEADLINE, answers, maybe},
    report::progress::Progress,
    values::{
        Mistake,
        rules::{Breach, Weight, judge},
    },
};

/// Objects that are tried at the same time.
const AT_ONCE: usize = 8;

/// What the pre-flight found.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Checked {
    /// Version of this shape.
    pub schema: &'static str,
    /// Whether there is a schema to hold the values against.
    pub has_schema: bool,
    /// Values that the schema refuses.
    pub mistakes: Vec<Mistake>,
    /// Objects that were rendered.
    pub objects: usize,
    /// Rules that the objects break.
    pub rules: Vec<Breach>,
    /// Objects that the server would refuse.
    pub refused: Vec<Refused>,
    /// Pre-deployment items.
    pub items: Vec<Judged>,
    /// What could not be tried, and why.
    pub notes: Vec<String>,
}

/// An object that the server would refuse.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// `kind/name`.
    pub object: String,
    /// The server's words.
    pub text: String,
}

impl Checked {
    /// The exit code.
    pub fn code(&self) -> ExitCode {
        let any = |verdict| self.items.iter().any(|item| item.verdict == verdict);
        if !self.mistakes.is_empty() {
            ExitCode::Usage
        } else if !self.refused.is_empty()
            || any("fail")
            || self.rules.iter().any(|rule| rule.severity == Weight::Refuse)
        {
            ExitCode::Wrong
        } else if any("unknown") || any("manual") {
            ExitCode::CannotTell
        } else {
            ExitCode::Done
        }
    }
}

/// Checks; without a cluster (`connected` is `None`) what needs none.
///
/// # Errors
/// When the chart can't be rendered, or the cluster can't be reached.
pub fn check<'a>(
    helm: &'a Helm,
    (release, chart): (&'a str, &'a str),
    chosen: Chosen<'a>,
    aside: &'a SetAside,
    connected: Option<&'a Connected>,
    progress: &'a Progress,
) -> Boxed<'a, Checked> {
    Box::pin(async move {
        let mistakes = values::check(helm, chart, chosen).await?;
        let mut checked = Checked {
            schema: "apimgmt.check/v1",
            has_schema: mistakes.is_some(),
            mistakes: mistakes.unwrap_or_default(),
            objects: 0,
            rules: Vec::new(),
            refused: Vec::new(),
            items: Vec::new(),
            notes: Vec::new(),
        };
        if !checked.mistakes.is_empty() {
            checked
                .notes
                .push("nothing was rendered: Helm refuses values that the schema refuses".into());
            return Ok(checked);
        }
        progress.spin("rendering");
        let version = match connected {
            Some(connected) => {
                let version = connected.client.apiserver_version();
                Some(answers(version, "get", "version", "").await?.git_version)
            }
            None => None,
        };
        let objects = rendered::by_template(helm, (release, chart), chosen, version.as_deref()).await?;
        checked.objects = objects.len();
        let facts = rendered::facts(objects.clone(), chosen.flags);
        let unreadable = facts.unreadable.iter();
        let unreadable = unreadable.map(|object| format!("{object} is not shaped as its kind is: no rule sees it"));
        checked.notes.extend(unreadable);
        let (aside_now, broken): (Vec<_>, _) = judge(&facts)
            .into_iter()
            .partition(|breach| aside.contains_key(breach.id));
        checked.rules = broken;
        checked.notes.extend(aside_now.iter().map(|breach| {
            let (id, object, text, reason) = (breach.id, &breach.object, &breach.text, &aside[breach.id]);
            format!("set aside ({reason}): {id}: {object}: {text}")
        }));
        let Some(connected) = connected else {
            checked
                .notes
                .push("offline: no object was tried on a server, and no item was judged".into());
            return Ok(checked);
        };
        let namespace = &helm.environment().namespace;
        let namespaces: Api<Namespace> = Api::all(connected.client.clone());
        let is_there = maybe(namespaces.get(namespace), "get", &format!("namespace/{namespace}"), "")
            .await?
            .is_some();
        if !is_there {
            checked.notes.push(format!(
                "namespace {namespace} does not exist yet: only cluster-scoped objects could be tried on the server"
            ));
        }
        if is_there {
            checked.rules = still_missing(&connected.client, namespace, std::mem::take(&mut checked.rules)).await;
        }
        progress.spin("trying every object on the server");
        checked.refused = tried(&connected.client, namespace, is_there, &objects).await?;
        progress.spin("judging the pre-deployment items");
        let reader = Reader::of(connected, namespace);
        let has_release = is_there && reader.has_workloads().await;
        // Before the first install, what later phases bring can't be judged.
        let wanted: Vec<_> = ALL
            .iter()
            .copied()
            .filter(|item| item.stage == Stage::Pre && (has_release || item.phase == Phase::Infrastructure))
            .collect();
        checked.items = Verdicts::of(&reader.judge(&wanted).await?, aside).all().to_vec();
        if !has_release {
            checked
                .notes
                .push("items of phases 2 to 6 are judged at their gates".into());
        }
        progress.still();
        Ok(checked)
    })
}

/// What pods need and nobody renders may be there already; where that can't be read, it may be missing.
async fn still_missing(client: &Client, namespace: &str, broken: Vec<Breach>) -> Vec<Breach> {
    let checked = broken.into_iter().map(async |breach| {
        let there = match breach.object.split_once('/') {
            Some(("secret", name)) if breach.severity == Weight::Note => {
                Api::<Secret>::namespaced(client.clone(), namespace)
                    .get_metadata_opt(name)
                    .await
                    .map(|found| found.is_some())
            }
            Some(("configmap", name)) if breach.severity == Weight::Note => {
                Api::<ConfigMap>::namespaced(client.clone(), namespace)
                    .get_metadata_opt(name)
                    .await
                    .map(|found| found.is_some())
            }
            _ => Ok(false),
        };
        (!there.unwrap_or(false)).then_some(breach)
    });
    let all = tokio::time::timeout(DEADLINE, futures::future::join_all(checked)).await;
    all.into_iter().flatten().flatten().collect()
}

/// What the server says to each object, and to each pod that it would make.
async fn tried(client: &Client, namespace: &str, is_there: bool, objects: &[Value]) -> Result<Vec<Refused>, Error> {
    let served = Served::of(client, objects).await;
    let one = |object: &Value| {
        let known = served.scope(object).zip(served.api(client, namespace, object));
        let (object, client) = (object.clone(), client.clone());
        async move {
            let Some((scope, api)) = known else {
                let text = format!(
                    "the cluster does not serve {} of {}",
                    text(&object, "kind"),
                    text(&object, "apiVersion")
                );
                return vec![Refused {
                    object: name_of(&object),
                    text,
                }];
            };
            if scope == Scope::Namespaced && !is_there {
                return Vec::new();
            }
            let params = PatchParams {
                dry_run: true,
                force: true,
                field_manager: Some("apimgmt-check".into()),
                ..PatchParams::default()
            };
            let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
            let applied = tokio::time::timeout(DEADLINE, api.patch(&name, &params, &Patch::Apply(&object))).await;
            let mut refused: Vec<_> = refusal(&object, applied.map(|applied| applied.map(drop)))
                .into_iter()
                .collect();
            if let Some(pod) = pod_of(&object) {
                let pods: Api<k8s_openapi::api::core::v1::Pod> = Api::namespaced(client, namespace);
                let params = PostParams {
                    dry_run: true,
                    ..PostParams::default()
                };
                if let Ok(pod) = serde_json::from_value(pod) {
                    let created = tokio::time::timeout(DEADLINE, pods.create(&params, &pod)).await;
                    refused.extend(
                        refusal(&object, created.map(|created| created.map(drop))).map(|it| Refused {
                            text: format!("its pods: {}", it.text),
                            ..it
                        }),
                    );
                }
            }
            refused
        }
    };
    let answers: Vec<_> = stream::iter(objects.iter().map(one))
        .buffer_unordered(AT_ONCE)
        .collect()
        .await;
    let mut refused: Vec<_> = answers.into_iter().flatten().collect();
    refused.sort_by(|left, right| left.object.cmp(&right.object));
    Ok(refused)
}

fn refusal(object: &Value, answer: Result<Result<(), kube::Error>, tokio::time::error::Elapsed>) -> Option<Refused> {
    let text = match answer {
        Ok(Ok(())) => return None,
        Ok(Err(kube::Error::Api(status))) => status.message.clone(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "no answer in time".into(),
    };
    Some(Refused {
        object: name_of(object),
        text,
    })
}

/// The pod that a workload would make: quota and Pod Security act on pods alone. Its service account may come with the
/// release, so the namespace's own stands in.
fn pod_of(object: &Value) -> Option<Value> {
    let template = match text(object, "kind").as_str() {
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => &object["spec"]["template"],
        "CronJob" => &object["spec"]["jobTemplate"]["spec"]["template"],
        _ => return None,
    };
    let mut spec = template["spec"].clone();
    spec.as_object_mut()?
        .retain(|key, _| key != "serviceAccountName" && key != "serviceAccount" && key != "priorityClassName");
    Some(json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "apimgmt-check-", "labels": template["metadata"]["labels"], "annotations": template["metadata"]["annotations"]},
        "spec": spec,
    }))
}

fn text(object: &Value, field: &str) -> String {
    object[field].as_str().unwrap_or_default().to_owned()
}

fn name_of(object: &Value) -> String {
    format!(
        "{}/{}",
        text(object, "kind").to_lowercase(),
        object["metadata"]["name"].as_str().unwrap_or("?")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pod_of_a_workload_is_what_quota_and_pod_security_see() {
        let object = json!({"kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {
            "metadata": {"labels": {"app": "x"}}, "spec": {"serviceAccountName": "made-later", "containers": [{"name": "c"}]}}}}}});
        let pod = pod_of(&object).unwrap();
        assert_eq!(pod["spec"], json!({"containers": [{"name": "c"}]}));
        assert_eq!(pod["metadata"]["labels"]["app"], "x");
        assert!(pod_of(&json!({"kind": "Service"})).is_none());
    }

    #[test]
    fn the_worst_finding_decides_the_code() {
        let mut checked = Checked {
            schema: "",
            has_schema: true,
            mistakes: vec![],
            objects: 0,
            rules: vec![],
            refused: vec![],
            items: vec![],
            notes: vec![],
        };
        assert_eq!(checked.code(), ExitCode::Done);
        checked.refused.push(Refused {
            object: "pod/x".into(),
            text: "no".into(),
        });
        assert_eq!(checked.code(), ExitCode::Wrong);
    }
}
