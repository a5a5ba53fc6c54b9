//! What a probe makes: one pod, and for storage one claim.

use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{ConfigMap, PersistentVolumeClaim, Pod},
};
use kube::{Api, Client, api::ListParams};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Probe, errand::Errand, places};
use crate::{
    Error,
    edges::Edge,
    snapshot::{PROBE_RUN, Snapshot, roles::Roles},
};

/// Where the probe of the cache finds the Sentinels, and the name of their master; the application's own variables may
/// be called anything.
pub(super) const SENTINEL: &str = "PROBE_SENTINEL";
pub(super) const MASTER: &str = "PROBE_SENTINEL_MASTER";

/// The label of everything that a probe makes: how leftovers are found.
pub(super) const LABEL: &str = PROBE_RUN;

/// The objects of one run of a probe.
pub(super) struct Objects {
    /// Where they are made.
    pub(super) namespace: String,
    /// The edges that its pod tries, in the order of its results.
    pub(super) edges: Vec<Edge>,
    /// The pod.
    pub(super) pod: Pod,
    /// The claim that it writes to.
    pub(super) claim: Option<PersistentVolumeClaim>,
}

/// The image that probes run from, as the chart declares it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Verification {
    image: String,
    #[serde(default)]
    pull_policy: Option<String>,
    #[serde(default)]
    pull_secrets: Vec<String>,
}

/// Plans the runs of a probe: one, or for storage one for each class.
pub(super) async fn plan(client: &Client, snapshot: &Snapshot, probe: Probe) -> Result<Vec<Objects>, Error> {
    let verification = verification(client, &snapshot.namespace).await?;
    match probe {
        Probe::Application => {
            let mut environment = application_environment(client, snapshot).await?;
            add_sentinel(&mut environment, snapshot)?;
            alone(&verification, snapshot, probe, Some("app"), &environment)
        }
        // Where none is declared there is nothing to look into.
        Probe::Logs | Probe::Traces => {
            let place = match probe {
                Probe::Logs => places::logs(snapshot)?,
                _ => places::traces(snapshot)?,
            };
            place.map_or(Ok(Vec::new()), |place| {
                alone(&verification, snapshot, probe, Some("monitoring"), &place)
            })
        }
        Probe::Alerts => alone(&verification, snapshot, probe, Some("test"), &places::alerts(snapshot)?),
        // Without a network label: no policy of the release is for visitors.
        Probe::Visitor => alone(
            &verification,
            snapshot,
            probe,
            None,
            &Errand::of(snapshot)?.environment(),
        ),
        Probe::Edges => super::edges::stands(snapshot)?
            .into_iter()
            .map(|(stand, namespace, edges)| {
                let wanted = Wanted {
                    probe,
                    name: format!("{}-{}", run_name(probe), stand.name()),
                    network: stand.network(),
                    environment: &super::edges::environment(stand, &edges),
                    claim: None,
                };
                Ok(Objects {
                    namespace,
                    pod: typed(pod(&verification, &wanted))?,
                    edges,
                    claim: None,
                })
            })
            .collect(),
        Probe::Storage => classes_in_use(snapshot)?
            .into_iter()
            .enumerate()
            .map(|(index, class)| storage(&verification, &snapshot.namespace, index, class.as_deref()))
            .collect(),
    }
}

/// A probe of one pod.
fn alone(
    verification: &Verification,
    snapshot: &Snapshot,
    probe: Probe,
    network: Option<&str>,
    environment: &Value,
) -> Result<Vec<Objects>, Error> {
    let wanted = Wanted {
        probe,
        name: run_name(probe),
        network,
        environment,
        claim: None,
    };
    Ok(vec![Objects {
        namespace: snapshot.namespace.clone(),
        edges: Vec::new(),
        pod: typed(pod(verification, &wanted))?,
        claim: None,
    }])
}

/// Whom to ask for the server that takes writes, where Sentinels decide.
fn add_sentinel(environment: &mut Value, snapshot: &Snapshot) -> Result<(), Error> {
    let unread = |why| Error::could_not("could not tell where the cache takes writes").because(Box::new(why));
    let expected = &snapshot.expectations().map_err(unread)?.cache;
    if expected.mode == "sentinel" {
        let sentinel = &expected.sentinel;
        let told = [
            json!({ "name": SENTINEL, "value": format!("{}:{}", sentinel.service, sentinel.port) }),
            json!({ "name": MASTER, "value": sentinel.master }),
        ];
        match environment["env"].as_array_mut() {
            Some(variables) => variables.extend(told),
            None => environment["env"] = json!(told),
        }
    }
    Ok(())
}

/// The storage classes that claims use; `None` where they leave it to a default that does not exist.
fn classes_in_use(snapshot: &Snapshot) -> Result<Vec<Option<String>>, Error> {
    let unread = |why| Error::could_not("could not tell which storage classes are used").because(Box::new(why));
    let claims = snapshot.persistent_volume_claims().map_err(unread)?;
    let templates = snapshot
        .stateful_sets()
        .map_err(unread)?
        .iter()
        .flat_map(|set| &set.spec.volume_claim_templates);
    let default = snapshot
        .storage_classes()
        .map_err(unread)?
        .iter()
        .find(|class| class.is_default());
    let class = |claim: &crate::snapshot::storage::PersistentVolumeClaim| {
        claim
            .spec
            .storage_class_name
            .clone()
            .or_else(|| default.map(|class| class.metadata.name.clone()))
    };
    let mut classes: Vec<_> = claims.iter().chain(templates).map(class).collect();
    classes.sort();
    classes.dedup();
    Ok(classes)
}

fn storage(verification: &Verification, namespace: &str, index: usize, class: Option<&str>) -> Result<Objects, Error> {
    let name = format!("{}-{index}", run_name(Probe::Storage));
    let mut claim = json!({
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": { "name": name, "labels": { LABEL: Probe::Storage.name() } },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "16Mi" } } },
    });
    if let Some(class) = class {
        claim["spec"]["storageClassName"] = json!(class);
    }
    let environment = json!({ "env": [{ "name": "PROBE_STORAGE_CLASS", "value": class.unwrap_or_default() }] });
    let wanted = Wanted {
        probe: Probe::Storage,
        name: name.clone(),
        network: Some("test"),
        environment: &environment,
        claim: Some(&name),
    };
    Ok(Objects {
        namespace: namespace.into(),
        edges: Vec::new(),
        pod: typed(pod(verification, &wanted))?,
        claim: Some(typed(claim)?),
    })
}

fn run_name(probe: Probe) -> String {
    let moment = jiff::Timestamp::now().as_millisecond();
    format!("apimgmt-probe-{}-{moment}", probe.name())
}

/// What one pod is for.
pub(super) struct Wanted<'a> {
    pub(super) probe: Probe,
    pub(super) name: String,
    /// The network label of the part that it stands for.
    pub(super) network: Option<&'a str>,
    pub(super) environment: &'a Value,
    pub(super) claim: Option<&'a str>,
}

/// A pod that meets Pod Security `restricted` and carries only the network label of the part that it stands for, so
/// that no Service, workload or autoscaler takes it for one of its own.
pub(super) fn pod(verification: &Verification, wanted: &Wanted<'_>) -> Value {
    let Wanted {
        probe,
        environment,
        claim,
        ..
    } = wanted;
    let mut labels = json!({ LABEL: probe.name() });
    if let Some(network) = wanted.network {
        labels["apimgmt.io/network"] = json!(network);
    }
    let volumes = claim.map(|name| json!([{ "name": "data", "persistentVolumeClaim": { "claimName": name } }]));
    let mounts = claim.map(|_| json!([{ "name": "data", "mountPath": "/data" }]));
    json!({
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": wanted.name,
            "labels": labels,
        },
        "spec": {
            "restartPolicy": "Never",
            "activeDeadlineSeconds": super::LONGEST.as_secs(),
            "terminationGracePeriodSeconds": 1,
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "imagePullSecrets": verification.pull_secrets.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>(),
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "volumes": volumes,
            "containers": [{
                "name": "probe",
                "image": verification.image,
                "imagePullPolicy": verification.pull_policy.as_deref().unwrap_or("IfNotPresent"),
                "args": ["probe", probe.name()],
                "env": environment.get("env"),
                "envFrom": environment.get("envFrom"),
                "volumeMounts": mounts,
                "terminationMessagePolicy": "File",
                "resources": { "requests": { "cpu": "10m", "memory": "32Mi" }, "limits": { "memory": "64Mi" } },
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    })
}

pub(super) fn typed<T: serde::de::DeserializeOwned>(value: Value) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::could_not("could not word a probe's pod").because(error))
}

pub(super) async fn verification(client: &Client, namespace: &str) -> Result<Verification, Error> {
    let maps: Api<ConfigMap> = Api::namespaced(client.clone(), namespace);
    let labelled = ListParams::default().labels("apimgmt.io/checklist=true");
    let maps = maps.list(&labelled).await.map_err(|error| {
        Error::could_not(format!("could not read which image probes run from in `{namespace}`")).because(error)
    })?;
    let text = maps
        .items
        .iter()
        .find_map(|map| map.data.as_ref()?.get("verification.yaml"));
    let text = text.ok_or_else(|| {
        Error::could_not(format!(
            "no verification image is declared in `{namespace}`, so nothing can be probed"
        ))
        .hint("set `verification.image` in the chart's values, or leave out `--active`")
    })?;
    serde_yaml::from_str(text)
        .map_err(|error| Error::could_not("the declared verification image does not fit").because(error))
}

/// The environment of the application's first container, word for word: a probe logs in as the application does. It
/// is read anew because a Snapshot holds no literal secret, and it goes straight into the probe's pod.
async fn application_environment(client: &Client, snapshot: &Snapshot) -> Result<Value, Error> {
    let unread = |why| Error::could_not("could not tell which workload is the application").because(Box::new(why));
    let application = Roles::of(snapshot).map_err(unread)?.application.ok_or_else(|| {
        Error::could_not(format!("no workload in `{}` is the application", snapshot.namespace))
            .hint("name it: `checklist.roles.application: deployment/NAME`")
    })?;
    let (kind, name) = application
        .workload
        .split_once('/')
        .unwrap_or(("", &application.workload));
    let failed = |error| Error::could_not(format!("could not read {}", application.workload)).because(error);
    let spec = match kind {
        "statefulset" => {
            let sets: Api<StatefulSet> = Api::namespaced(client.clone(), &snapshot.namespace);
            sets.get(name)
                .await
                .map_err(failed)?
                .spec
                .and_then(|spec| spec.template.spec)
        }
        "pod" => {
            let pods: Api<Pod> = Api::namespaced(client.clone(), &snapshot.namespace);
            pods.get(name).await.map_err(failed)?.spec
        }
        _ => {
            let deployments: Api<Deployment> = Api::namespaced(client.clone(), &snapshot.namespace);
            deployments
                .get(name)
                .await
                .map_err(failed)?
                .spec
                .and_then(|spec| spec.template.spec)
        }
    };
    let container = spec.and_then(|spec| spec.containers.into_iter().next());
    Ok(container.map_or_else(
        || json!({}),
        |container| json!({ "env": container.env, "envFrom": container.env_from }),
    ))
}
