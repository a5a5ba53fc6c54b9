//! One run of a probe: make its objects, wait for its word, take everything away again.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::{ContainerState, PersistentVolumeClaim, Pod};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, PostParams, WatchEvent, WatchParams},
};
use tokio::time::{Instant, timeout_at};

use super::{LONGEST, Probe, objects::Objects};
use crate::{Error, ExitCode, operation::Interrupt, snapshot::sessions::ProbeResult};

/// How long an image that can't be pulled, or a missing Secret, is waited for: two tries of the kubelet.
const STUCK: Duration = Duration::from_secs(20);
/// Longest time for taking everything away.
const CLEANING: Duration = Duration::from_secs(20);

/// Runs it. An interrupt also ends with everything taken away.
pub(super) async fn run(
    client: &Client,
    probe: Probe,
    objects: &Objects,
    interrupt: &Interrupt,
) -> Result<Vec<ProbeResult>, Error> {
    let namespace = objects.namespace.as_str();
    let outcome = tokio::select! {
        outcome = told(client, namespace, probe, objects) => outcome,
        () = interrupt.asked() => Err(Error::new(ExitCode::Interrupted, "interrupted while probing")),
    };
    clean(client, namespace, objects).await?;
    outcome
}

async fn told(client: &Client, namespace: &str, probe: Probe, objects: &Objects) -> Result<Vec<ProbeResult>, Error> {
    let refused = |what: &str| {
        let what = format!(
            "could not create {what} for the probe `{}` in `{namespace}`",
            probe.name()
        );
        move |error| {
            Error::could_not(what)
                .because(error)
                .hint("probing needs `create` and `delete` of pods and claims")
        }
    };
    if let Some(claim) = &objects.claim {
        let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
        claims
            .create(&PostParams::default(), claim)
            .await
            .map_err(refused("the claim"))?;
    }
    let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let made = Instant::now();
    let created = pods
        .create(&PostParams::default(), &objects.pod)
        .await
        .map_err(refused("the pod"))?;
    let seen = tokio::time::timeout(LONGEST, ended(&pods, &created)).await;
    match seen {
        Ok(Ok(Some((message, started_after)))) => {
            let mut results = if probe == Probe::Edges {
                super::edges::results(&objects.edges, &message)?
            } else {
                results(probe, &message)?
            };
            if objects.claim.is_some() {
                // Its container starts only when the volume is bound and mounted.
                let bound = format!("{:.1}s", started_after.as_secs_f64());
                for result in &mut results {
                    result.values.insert("boundAfter".into(), bound.clone());
                }
            }
            Ok(results)
        }
        Ok(Err(error)) => Err(Error::could_not(format!("lost sight of pod/{}", created.name_any())).because(error)),
        Ok(Ok(None)) | Err(_) => {
            let pod = pods.get(&created.name_any()).await.ok();
            let why = pod
                .as_ref()
                .and_then(holds_it_up)
                .unwrap_or_else(|| "it gave no result in time".to_owned());
            Err(Error::could_not(format!(
                "pod/{} did not end, {} s after it was made",
                created.name_any(),
                made.elapsed().as_secs()
            ))
            .because(crate::report::escape(&why))
            .hint("what a probe could not see stays unknown; compare `verification.image` with what can be pulled"))
        }
    }
}

/// Waits until the container has ended, and gives its last words and how long it took to start; nothing when it is stuck.
async fn ended(pods: &Api<Pod>, created: &Pod) -> Result<Option<(String, Duration)>, kube::Error> {
    let began = Instant::now();
    let (mut started_after, mut stuck) = (None, None);
    let one = WatchParams::default()
        .fields(&format!("metadata.name={}", created.name_any()))
        .timeout(290);
    let mut version = created.resource_version().unwrap_or_else(|| "0".to_owned());
    loop {
        let mut events = pods.watch(&one, &version).await?.boxed();
        loop {
            let until = stuck.unwrap_or(began + LONGEST);
            let Ok(event) = timeout_at(until, events.try_next()).await else {
                return Ok(None);
            };
            let pod = match event? {
                Some(WatchEvent::Added(pod) | WatchEvent::Modified(pod)) => pod,
                Some(_) => continue,
                None => break,
            };
            if state(&pod).is_some_and(|state| state.waiting.is_none()) {
                started_after.get_or_insert_with(|| began.elapsed());
            }
            if let Some(message) = last_words(&pod) {
                return Ok(Some((message, started_after.unwrap_or_else(|| began.elapsed()))));
            }
            stuck = is_stuck(&pod).then(|| stuck.unwrap_or_else(|| Instant::now() + STUCK));
            version = pod.resource_version().unwrap_or(version);
        }
    }
}

/// Whether the container waits for what may never come.
fn is_stuck(pod: &Pod) -> bool {
    let waiting = state(pod).and_then(|state| state.waiting.as_ref());
    let reason = waiting
        .and_then(|waiting| waiting.reason.as_deref())
        .unwrap_or_default();
    [
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "CreateContainerConfigError",
    ]
    .contains(&reason)
}

fn state(pod: &Pod) -> Option<&ContainerState> {
    pod.status
        .as_ref()?
        .container_statuses
        .as_ref()?
        .first()?
        .state
        .as_ref()
}

pub(super) fn last_words(pod: &Pod) -> Option<String> {
    if let Some(ended) = state(pod).and_then(|state| state.terminated.as_ref()) {
        return Some(ended.message.clone().unwrap_or_default());
    }
    let status = pod.status.as_ref()?;
    (status.phase.as_deref() == Some("Failed")).then(|| status.message.clone().unwrap_or_default())
}

/// Why the pod does not run: what its container waits for, or why it is not scheduled.
pub(super) fn holds_it_up(pod: &Pod) -> Option<String> {
    if let Some(waiting) = state(pod).and_then(|state| state.waiting.as_ref()) {
        return Some(
            [&waiting.reason, &waiting.message]
                .into_iter()
                .flatten()
                .cloned()
                .collect::<Vec<_>>()
                .join(": "),
        );
    }
    let conditions = pod.status.as_ref()?.conditions.as_ref()?;
    conditions
        .iter()
        .find(|condition| condition.status == "False")
        .and_then(|condition| condition.message.clone())
}

/// The results in a pod's last words. What a pod says of itself is believed only for the items that its probe is for.
fn results(probe: Probe, message: &str) -> Result<Vec<ProbeResult>, Error> {
    let said = serde_json::from_str::<Vec<ProbeResult>>(message).map_err(|_| {
        let said = crate::report::escape(&message.chars().take(200).collect::<String>());
        Error::could_not(format!("the probe `{}` ended without a result: {said}", probe.name()))
    })?;
    Ok(said
        .into_iter()
        .filter(|result| probe.items().contains(&result.item.as_str()))
        .collect())
}

/// Takes pod and claim away; what is gone already is no error.
async fn clean(client: &Client, namespace: &str, objects: &Objects) -> Result<(), Error> {
    let cleaned = tokio::time::timeout(CLEANING, async {
        let pods: Api<Pod> = Api::namespaced(client.clone(), namespace);
        absent(
            pods.delete(&objects.pod.name_any(), &DeleteParams::default().grace_period(0))
                .await,
        )?;
        if let Some(claim) = &objects.claim {
            let claims: Api<PersistentVolumeClaim> = Api::namespaced(client.clone(), namespace);
            absent(claims.delete(&claim.name_any(), &DeleteParams::default()).await)?;
        }
        Ok::<(), kube::Error>(())
    });
    let left = |error: Box<dyn std::error::Error + Send + Sync>| {
        Error::could_not(format!("could not take away what the probe made in `{namespace}`"))
            .because(error)
            .hint(format!(
                "kubectl delete pods,persistentvolumeclaims -n {namespace} -l {}",
                super::objects::LABEL
            ))
    };
    match cleaned.await {
        Ok(done) => done.map_err(|error| left(Box::new(error))),
        Err(late) => Err(left(Box::new(late))),
    }
}

fn absent<T>(deleted: Result<T, kube::Error>) -> Result<(), kube::Error> {
    match deleted {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        other => other.map(|_| ()),
    }
}
