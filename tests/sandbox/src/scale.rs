//! `sandbox scale`: thousands of pods on fake nodes, as Deployments of ten with a Service each.
use std::time::Duration;

use anyhow::{Context, Result};
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Namespace, Node, Pod, Service},
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ListParams, PartialObjectMeta},
};
use serde_json::{Value, json};

use crate::{
    cluster, file,
    parts::{Cache, Part},
    programs::Programs,
    progress::Progress,
    site::Site,
};

/// What kwok reads; it starts as soon as the file is there.
pub(crate) const FAKE: &str = "run/fake.yaml";

const STAGES: &str = include_str!("../manifests/fake.yaml");
const NAMESPACE: &str = "scale";
const PODS_PER_DEPLOYMENT: usize = 10;
const PODS_PER_NODE: usize = 200;

/// Requests at a time: more would only queue in the API server.
const AT_ONCE: usize = 16;

/// Makes it so many fake pods, more or fewer than there are; none at all removes everything that was made for them.
pub(crate) async fn run(site: &Site, pods: usize, progress: &Progress) -> Result<()> {
    let client = cluster::client(site).await?;
    let parts = Cache::of_machine()?.ensure(&[Part::Kwok], &|line| progress.say(line))?;
    Programs::find(&parts, &["kwok"])?.install(site)?;
    write_stages(site)?;
    let nodes: Vec<Value> = (0..pods.div_ceil(PODS_PER_NODE)).map(node).collect();
    let deployments = pods.div_ceil(PODS_PER_DEPLOYMENT);
    let workloads: Vec<Value> = (0..deployments)
        .flat_map(|number| {
            let replicas = PODS_PER_DEPLOYMENT.min(pods - number * PODS_PER_DEPLOYMENT);
            [deployment(number, replicas), service(number)]
        })
        .collect();
    if pods == 0 {
        remove(&client).await?;
        progress.say("no fake nodes and pods any more");
        return Ok(());
    }
    remove_surplus(&client, deployments).await?;
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}});
    cluster::apply_object(&client, namespace).await?;
    for objects in [nodes, workloads] {
        stream::iter(objects)
            .map(|object| cluster::apply_object(&client, object))
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
    }
    progress.say(format!("{deployments} Deployments of {pods} pods asked for"));
    wait_for_pods(&client, pods, progress).await
}

/// Writes the stages, from which kwok also starts.
pub(crate) fn write_stages(site: &Site) -> Result<()> {
    file::write(&site.in_state(FAKE), STAGES)
}

/// Waits on the pods themselves: the status of a `ReplicaSet` may lag for minutes under this load.
async fn wait_for_pods(client: &Client, pods: usize, progress: &Progress) -> Result<()> {
    let api = Api::<PartialObjectMeta<Pod>>::namespaced(client.clone(), NAMESPACE);
    // From the API server's cache: an old answer is good enough for a count.
    let running = ListParams::default().fields("status.phase=Running").match_any();
    let mut told = 0;
    cluster::wait_for("the pods", Duration::from_mins(20), async || {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let count = api.list(&running).await?.items.len();
        if count >= told + 1_000 {
            progress.say(format!("{count} pods run"));
            told = count;
        }
        Ok(count == pods)
    })
    .await?;
    progress.say(format!("{pods} pods run"));
    Ok(())
}

/// Removes everything. Pods go before their nodes: without a node, nobody lets a pod go for most of a minute.
async fn remove(client: &Client) -> Result<()> {
    let namespaces = Api::<Namespace>::all(client.clone());
    cluster::wait_for("the fake pods to go", Duration::from_mins(20), async || {
        let Some(namespace) = namespaces.get_metadata_opt(NAMESPACE).await? else {
            return Ok(true);
        };
        if namespace.metadata.deletion_timestamp.is_none() {
            namespaces.delete(NAMESPACE, &DeleteParams::default()).await?;
        }
        Ok(false)
    })
    .await?;
    let nodes = Api::<Node>::all(client.clone());
    nodes
        .delete_collection(
            &DeleteParams::default(),
            &ListParams::default().labels("sandbox.test/scale=true"),
        )
        .await?;
    Ok(())
}

/// Removes the Deployments and Services from this number on. Nodes stay: pods that are to stay may run there.
async fn remove_surplus(client: &Client, deployments: usize) -> Result<()> {
    let api = Api::<Deployment>::namespaced(client.clone(), NAMESPACE);
    let services = Api::<Service>::namespaced(client.clone(), NAMESPACE);
    for object in api.list_metadata(&ListParams::default()).await? {
        let name = object.name_any();
        let number = name.rsplit('-').next().and_then(|number| number.parse::<usize>().ok());
        if number.is_some_and(|number| number >= deployments) {
            let background = DeleteParams::background();
            api.delete(&name, &background)
                .await
                .with_context(|| format!("can't delete Deployment {name}"))?;
            services
                .delete(&name, &background)
                .await
                .with_context(|| format!("can't delete Service {name}"))?;
        }
    }
    Ok(())
}

/// A node that only kwok and the scheduler believe in. Pods must tolerate it, so that nothing real ends up there.
fn node(number: usize) -> Value {
    let resources = json!({"cpu": "64", "memory": "256Gi", "pods": PODS_PER_NODE.to_string()});
    json!({
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": format!("fake-{number}"), "labels": {"type": "kwok", "sandbox.test/scale": "true"}},
        "spec": {"taints": [{"key": "kwok.x-k8s.io/node", "value": "fake", "effect": "NoSchedule"}]},
        "status": {"capacity": resources, "allocatable": resources},
    })
}

fn deployment(number: usize, replicas: usize) -> Value {
    let name = format!("fake-{number}");
    let labels = json!({"app": name, "type": "kwok"});
    json!({
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": labels},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "nodeSelector": {"sandbox.test/scale": "true"},
                    "tolerations": [{"key": "kwok.x-k8s.io/node", "operator": "Exists"}],
                    "automountServiceAccountToken": false,
                    "containers": [{
                        "name": "fake",
                        "image": "localhost/fake:1",
                        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}},
                    }],
                },
            },
        },
    })
}

fn service(number: usize) -> Value {
    let name = format!("fake-{number}");
    json!({
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": NAMESPACE, "labels": {"type": "kwok"}},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 8080}]},
    })
}
