//! What happens in the namespace while Helm works: one list and one watch for each kind, no polling.

use std::time::Duration;

use futures::{TryStreamExt, pin_mut};
use kube::{
    Client,
    api::{ListParams, WatchEvent, WatchParams},
    core::Request,
};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::{sync::mpsc, task::JoinSet};

use crate::snapshot::{
    Pod,
    events::Event,
    workloads::{Deployment, Job, ReplicaSet, StatefulSet},
};

/// Something that was seen.
#[derive(Debug, Clone)]
pub enum Thing {
    /// A pod.
    Pod(Box<Pod>),
    /// A deployment.
    Deployment(Box<Deployment>),
    /// A replica set.
    ReplicaSet(Box<ReplicaSet>),
    /// A stateful set.
    StatefulSet(Box<StatefulSet>),
    /// A job.
    Job(Box<Job>),
    /// Word of a pod that could not be made.
    Event(Box<Event>),
}

/// One message of the watch.
#[derive(Debug, Clone)]
pub enum Sight {
    /// Everything of one kind: what is not among it is gone.
    Listed(Kind, Vec<Thing>),
    /// New or changed.
    Seen(Thing),
    /// Deleted.
    Gone(Thing),
}

/// The watched kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Pods.
    Pod,
    /// Deployments.
    Deployment,
    /// Replica sets.
    ReplicaSet,
    /// Stateful sets.
    StatefulSet,
    /// Jobs.
    Job,
    /// Words of pods that could not be made: stateful sets and jobs keep none of them.
    Event,
}

impl Kind {
    /// Which of them are asked for, where not all are.
    fn fields(self) -> Option<String> {
        (self == Self::Event).then(|| "reason=FailedCreate".to_owned())
    }
}

/// Watches that end when this is dropped.
pub struct Watches {
    sights: mpsc::Receiver<Sight>,
    _tasks: JoinSet<()>,
}

impl Watches {
    /// Watches a namespace.
    pub fn start(client: &Client, namespace: &str) -> Self {
        let (sender, sights) = mpsc::channel(256);
        let mut tasks = JoinSet::new();
        macro_rules! follow {
            ($($kind:ident $path:literal;)*) => { $(
                let path = format!(concat!("/", $path), namespace = namespace);
                tasks.spawn(follow(client.clone(), path, Kind::$kind, |thing| Thing::$kind(Box::new(thing)), sender.clone()));
            )* };
        }
        follow! {
            Pod "api/v1/namespaces/{namespace}/pods";
            Deployment "apis/apps/v1/namespaces/{namespace}/deployments";
            ReplicaSet "apis/apps/v1/namespaces/{namespace}/replicasets";
            StatefulSet "apis/apps/v1/namespaces/{namespace}/statefulsets";
            Job "apis/batch/v1/namespaces/{namespace}/jobs";
            Event "api/v1/namespaces/{namespace}/events";
        }
        Self { sights, _tasks: tasks }
    }

    /// The next thing that is seen. It can be dropped and asked again.
    pub async fn next(&mut self) -> Sight {
        match self.sights.recv().await {
            Some(sight) => sight,
            // Only when every watch ended, which they never do by themselves.
            None => std::future::pending().await,
        }
    }
}

#[derive(Deserialize)]
struct List<T> {
    metadata: ListMetadata,
    #[serde(deserialize_with = "crate::snapshot::null_is_empty", bound = "T: DeserializeOwned")]
    items: Vec<T>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ListMetadata {
    resource_version: String,
}

/// Lists, watches from there, and lists again whenever the watch ends: by the server's time limit, 410, or a cut line.
async fn follow<T: DeserializeOwned + Clone + Send + 'static>(
    client: Client,
    path: String,
    kind: Kind,
    thing: fn(T) -> Thing,
    sender: mpsc::Sender<Sight>,
) {
    let mut pause = Duration::from_millis(200);
    while !sender.is_closed() {
        if round(&client, &path, kind, thing, &sender).await.is_ok() {
            pause = Duration::from_millis(200);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(5));
    }
}

async fn round<T: DeserializeOwned + Clone + Send + 'static>(
    client: &Client,
    path: &str,
    kind: Kind,
    thing: fn(T) -> Thing,
    sender: &mpsc::Sender<Sight>,
) -> Result<(), kube::Error> {
    let request = Request::new(path);
    let list: List<T> = client
        .request(
            request
                .list(&ListParams {
                    field_selector: kind.fields(),
                    ..ListParams::default()
                })
                .map_err(kube::Error::BuildRequest)?,
        )
        .await?;
    let listed = Sight::Listed(kind, list.items.into_iter().map(thing).collect());
    if sender.send(listed).await.is_err() {
        return Ok(());
    }
    let from = request
        .watch(
            &WatchParams {
                field_selector: kind.fields(),
                ..WatchParams::default()
            }
            .timeout(290),
            &list.metadata.resource_version,
        )
        .map_err(kube::Error::BuildRequest)?;
    let events = client.request_events::<T>(from).await?;
    pin_mut!(events);
    while let Some(event) = events.try_next().await? {
        let sight = match event {
            WatchEvent::Added(object) | WatchEvent::Modified(object) => Sight::Seen(thing(object)),
            WatchEvent::Deleted(object) => Sight::Gone(thing(object)),
            WatchEvent::Bookmark(_) => continue,
            WatchEvent::Error(status) => return Err(kube::Error::Api(status)),
        };
        if sender.send(sight).await.is_err() {
            break;
        }
    }
    Ok(())
}
