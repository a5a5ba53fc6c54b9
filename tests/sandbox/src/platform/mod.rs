//! What a platform team gives every namespace of the sandbox: an ingress, a certificate that is renewed, a pull secret,
//! scans of images.
use std::{collections::BTreeMap, fmt::Debug, hash::Hash, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use futures::StreamExt;
use k8s_openapi::api::{
    core::v1::{Namespace, PersistentVolume, PersistentVolumeClaim, Secret, Service},
    networking::v1::{Ingress, IngressClass},
};
use kube::{
    Api, Client, Config, Resource, ResourceExt,
    config::{KubeConfigOptions, Kubeconfig},
    runtime::{
        WatchStreamExt,
        reflector::{self, Store},
        watcher,
    },
};
use serde::de::DeserializeOwned;
use tokio::sync::mpsc;

use crate::{cluster, site::Site};

mod certificates;
mod haproxy;
mod ingress;
mod renewal;
mod scanner;
mod secrets;
mod volumes;

/// The class of the Ingresses that are served here.
pub(crate) const CLASS: &str = "sandbox";

const MANIFEST: &str = "
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: sandbox}
spec: {controller: sandbox.test/haproxy}
";

/// Watches the cluster from beside the API server, until it is killed.
pub(crate) async fn run(site: &Site) -> Result<()> {
    if !site.light {
        // The ingress answers before the first Ingress exists, as real ones do.
        ingress::write(site, &haproxy::Plan::nothing(&site.text("ingress")))?;
    }
    let kubeconfig = Kubeconfig::read_from(site.in_state("etc/admin.kubeconfig"))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await?;
    let client = Client::try_from(config)?;
    let limit = Duration::from_mins(2);
    cluster::wait_for("the API server", limit, async || cluster::api_is_ready(&client).await).await?;
    let (changed, bursts) = mpsc::channel(1);
    let namespaces = watch(
        Api::<Namespace>::all(client.clone()),
        watcher::Config::default(),
        &changed,
    );
    namespaces
        .wait_until_ready()
        .await
        .context("can't watch the Namespaces")?;
    let copies = secrets::Copies::read(site)?;
    if site.light {
        pretend(&client, changed, bursts, &namespaces, copies).await
    } else {
        serve(site, &client, changed, bursts, &namespaces, copies).await
    }
}

async fn serve(
    site: &Site,
    client: &Client,
    changed: mpsc::Sender<()>,
    mut bursts: mpsc::Receiver<()>,
    namespaces: &Store<Namespace>,
    mut copies: secrets::Copies,
) -> Result<()> {
    let ingresses = watch(
        Api::<Ingress>::all(client.clone()),
        watcher::Config::default(),
        &changed,
    );
    let services = watch(
        Api::<Service>::all(client.clone()),
        watcher::Config::default(),
        &changed,
    );
    let tls_only = watcher::Config::default().fields("type=kubernetes.io/tls");
    let certificates = watch(Api::<Secret>::all(client.clone()), tls_only, &changed);
    let workloads = scanner::Workloads::watch(client, &changed);
    let mut scanner = scanner::Scanner::default();
    ingresses
        .wait_until_ready()
        .await
        .context("can't watch the Ingresses")?;
    services.wait_until_ready().await.context("can't watch the Services")?;
    certificates
        .wait_until_ready()
        .await
        .context("can't watch the Secrets")?;
    let folder = site.text("ingress");
    let mut served = haproxy::Plan::nothing(&folder);
    let mut announced = false;
    loop {
        copies.give(client, &namespaces.state()).await;
        let plan = haproxy::plan(
            &folder,
            &ingresses.state(),
            &by_name(&services),
            &by_name(&certificates),
        );
        if plan != served {
            ingress::serve(site, &plan)?;
            served = plan;
        }
        ingress::publish_address(client, &ingresses.state()).await;
        if !announced {
            // The class comes last: whoever sees it may rely on everything else.
            cluster::apply(client, MANIFEST).await?;
            announced = true;
        }
        scanner.report(client, &workloads).await;
        burst(&mut bursts).await?;
    }
}

async fn pretend(
    client: &Client,
    changed: mpsc::Sender<()>,
    mut bursts: mpsc::Receiver<()>,
    namespaces: &Store<Namespace>,
    mut copies: secrets::Copies,
) -> Result<()> {
    let claims = watch(
        Api::<PersistentVolumeClaim>::all(client.clone()),
        watcher::Config::default(),
        &changed,
    );
    let made = watch(
        Api::<PersistentVolume>::all(client.clone()),
        watcher::Config::default(),
        &changed,
    );
    loop {
        copies.give(client, &namespaces.state()).await;
        volumes::pretend(client, &claims.state(), &made.state()).await;
        burst(&mut bursts).await?;
    }
}

/// Changes come in bursts: one round serves them all.
async fn burst(bursts: &mut mpsc::Receiver<()>) -> Result<()> {
    bursts.recv().await.context("the watches have ended")?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    Ok(())
}

/// Waits until the controller gives out Secrets, and serves Ingresses.
pub(crate) async fn wait_for(site: &Site, client: &Client) -> Result<()> {
    let classes = Api::<IngressClass>::all(client.clone());
    let secrets = Api::<Secret>::default_namespaced(client.clone());
    cluster::wait_for("the platform controller", Duration::from_mins(1), async || {
        Ok(secrets.get_metadata_opt("registry-credentials").await?.is_some()
            && (site.light || classes.get_metadata_opt(CLASS).await?.is_some()))
    })
    .await
}

/// Objects by namespace and name.
type ByName<K> = BTreeMap<(String, String), Arc<K>>;

fn by_name<K>(store: &Store<K>) -> ByName<K>
where
    K: Resource<DynamicType = ()> + Clone + 'static,
{
    store
        .state()
        .into_iter()
        .map(|object| ((object.namespace().unwrap_or_default(), object.name_any()), object))
        .collect()
}

/// Keeps a copy of every object of a kind, and tells when one has changed.
fn watch<K>(api: Api<K>, config: watcher::Config, changed: &mpsc::Sender<()>) -> Store<K>
where
    K: Resource<DynamicType: Eq + Hash + Clone + Default> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let (store, writer) = reflector::store();
    let changed = changed.clone();
    tokio::spawn(async move {
        let mut events = std::pin::pin!(watcher(api, config).default_backoff().reflect(writer));
        while let Some(event) = events.next().await {
            if let Err(error) = event {
                log(&format!("a watch failed and goes on: {error}"));
            }
            // A full channel already tells that something has changed.
            let _ = changed.try_send(());
        }
    });
    store
}

/// One line for the controller's log.
fn log(text: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{} {text}", jiff::Timestamp::now());
}
