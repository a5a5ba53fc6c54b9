//! A lease with a heartbeat in the release's namespace: it keeps two operators apart, and whoever loses it stops.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::{
    api::coordination::v1::{Lease as Object, LeaseSpec},
    apimachinery::pkg::apis::meta::v1::MicroTime,
};
use kube::{
    Api, Client, ResourceExt,
    api::{DeleteParams, ObjectMeta, PostParams, Preconditions},
};
use tokio::{sync::watch, task::JoinHandle};

use super::{
    api::{answers, is_conflict, maybe, refused},
    operator,
};
use crate::{
    Error,
    report::progress::{Progress, plain},
};

/// Name of the lease.
const NAME: &str = "apimgmt-operation";
const HEARTBEAT: Duration = Duration::from_secs(5);
/// Longest silence of a holder that lives.
const SILENCE: Duration = Duration::from_secs(30);

/// A lease that is held.
pub struct Lease {
    leases: Api<Object>,
    namespace: String,
    lost: watch::Receiver<bool>,
    heart: JoinHandle<Object>,
    stop: watch::Sender<bool>,
}

impl Lease {
    /// Takes the lease for `verb`.
    ///
    /// # Errors
    /// When somebody else holds it and lives: who, since when, at what.
    pub async fn take(client: &Client, namespace: &str, verb: &str, progress: &Progress) -> Result<Self, Error> {
        let leases: Api<Object> = Api::namespaced(client.clone(), namespace);
        let mut wanted = Object {
            metadata: ObjectMeta {
                name: Some(NAME.into()),
                ..ObjectMeta::default()
            },
            spec: Some(spec(verb)),
        };
        let held = match maybe(leases.get(NAME), "get", "lease/apimgmt-operation", namespace).await? {
            None => leases.create(&PostParams::default(), &wanted).await,
            Some(former) => {
                make_sure_it_is_dead(&leases, &former, namespace, progress).await?;
                wanted.metadata.resource_version = former.resource_version();
                leases.replace(NAME, &PostParams::default(), &wanted).await
            }
        };
        let object = held.map_err(|error| {
            if is_conflict(&error) {
                Error::could_not(format!("somebody else has just begun to work in `{namespace}`"))
                    .hint("try again when they are done")
            } else {
                refused(error, "create", "lease/apimgmt-operation", namespace)
            }
        })?;
        let (stop, stopped) = watch::channel(false);
        let (tell, lost) = watch::channel(false);
        let heart = tokio::spawn(beat(leases.clone(), object, stopped, tell));
        Ok(Self {
            leases,
            namespace: namespace.into(),
            lost,
            heart,
            stop,
        })
    }

    /// Waits until it is lost; whoever learns that must stop.
    pub async fn lost(&self) -> Error {
        let mut lost = self.lost.clone();
        if lost.wait_for(|lost| *lost).await.is_err() {
            std::future::pending::<()>().await;
        }
        self.is_lost().unwrap_or_else(|| Error::could_not("the lease is lost"))
    }

    /// The error to stop with, when it is lost.
    pub fn is_lost(&self) -> Option<Error> {
        self.lost.borrow().then(|| {
            Error::new(
                crate::ExitCode::Midway,
                format!(
                    "the lease `{NAME}` in `{}` is lost: somebody else took it, or it could not be renewed",
                    self.namespace
                ),
            )
            .hint("look at `kubectl apimgmt rollback --history` before you go on")
        })
    }

    /// Gives it back; one that was lost is another's now, and stays.
    pub async fn give_back(self) {
        if *self.lost.borrow() {
            return;
        }
        let _ = self.stop.send(true);
        let object = self.heart.await;
        if *self.lost.borrow() {
            return;
        }
        if let Ok(object) = object {
            let params = DeleteParams {
                preconditions: Some(Preconditions {
                    resource_version: object.resource_version(),
                    uid: object.uid(),
                }),
                ..DeleteParams::default()
            };
            // Whoever finds it instead sees that its holder is silent.
            let _ = answers(
                self.leases.delete(NAME, &params),
                "delete",
                "lease/apimgmt-operation",
                &self.namespace,
            )
            .await;
        }
    }
}

fn spec(verb: &str) -> LeaseSpec {
    let now = MicroTime(Timestamp::now());
    LeaseSpec {
        holder_identity: Some(format!("{}, {verb}", operator())),
        lease_duration_seconds: Some(i32::try_from(SILENCE.as_secs()).unwrap_or(30)),
        acquire_time: Some(now.clone()),
        renew_time: Some(now),
        ..LeaseSpec::default()
    }
}

/// Clocks may disagree: a lease whose time is over, or lies ahead, is watched for a while before it is taken.
async fn make_sure_it_is_dead(
    leases: &Api<Object>,
    former: &Object,
    namespace: &str,
    progress: &Progress,
) -> Result<(), Error> {
    let Some(spec) = former.spec.as_ref() else {
        return Ok(());
    };
    let Some(holder) = spec.holder_identity.as_deref().filter(|holder| !holder.is_empty()) else {
        return Ok(());
    };
    let holder = plain(holder);
    let alive = || {
        let since = spec
            .acquire_time
            .as_ref()
            .map_or(String::new(), |since| format!(" since {:.0}", since.0));
        Error::could_not(format!("{holder} works in `{namespace}`{since}")).hint(format!(
            "wait until they are done; a lease that is not renewed for {} s is taken over by itself",
            SILENCE.as_secs()
        ))
    };
    let silent = spec.renew_time.as_ref().map(|at| Timestamp::now().duration_since(at.0));
    if silent.is_some_and(|silent| !silent.is_negative() && silent.unsigned_abs() < SILENCE) {
        return Err(alive());
    }
    progress.say(&format!(
        "{holder} has not renewed the lease; watching for {} s whether they live",
        HEARTBEAT.as_secs() * 2
    ));
    tokio::time::sleep(HEARTBEAT * 2).await;
    match maybe(leases.get(NAME), "get", "lease/apimgmt-operation", namespace).await? {
        Some(now) if now.resource_version() != former.resource_version() => Err(alive()),
        _ => Ok(()),
    }
}

/// Renews until it is told to stop, or the lease is lost.
async fn beat(
    leases: Api<Object>,
    mut object: Object,
    mut stopped: watch::Receiver<bool>,
    tell: watch::Sender<bool>,
) -> Object {
    let mut renewed = tokio::time::Instant::now();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stopped| *stopped) => return object,
            () = tokio::time::sleep(HEARTBEAT) => {}
        }
        if let Some(spec) = &mut object.spec {
            spec.renew_time = Some(MicroTime(Timestamp::now()));
        }
        let renewing = renew(&leases, &object);
        match tokio::time::timeout(HEARTBEAT, renewing).await {
            Ok(Ok(Some(next))) => (object, renewed) = (next, tokio::time::Instant::now()),
            Ok(Err(_)) | Err(_) if renewed.elapsed() < SILENCE => {}
            Ok(Ok(None) | Err(_)) | Err(_) => break,
        }
    }
    let _ = tell.send(true);
    object
}

/// Writes the renewed lease; nothing when somebody else holds it. A write whose answer was lost is met as a conflict with
/// ourselves.
async fn renew(leases: &Api<Object>, object: &Object) -> Result<Option<Object>, kube::Error> {
    let holder = |object: &Object| object.spec.as_ref().and_then(|spec| spec.holder_identity.clone());
    match leases.replace(NAME, &PostParams::default(), object).await {
        Err(error) if is_conflict(&error) => {
            let found = leases.get(NAME).await?;
            Ok((holder(&found) == holder(object)).then_some(found))
        }
        Err(kube::Error::Api(status)) if status.is_not_found() => Ok(None),
        written => written.map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ExitCode, operation::fake::Server};

    const PATH: &str = "/apis/coordination.k8s.io/v1/namespaces/shop/leases/apimgmt-operation";

    async fn take(server: &Server) -> Result<Lease, Error> {
        Lease::take(&server.client(), "shop", "upgrade", &Progress::silent()).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_operator_is_told_who_works_and_since_when() {
        let server = Server::default();
        let first = take(&server).await.unwrap();
        let told = take(&server).await.err().unwrap();
        assert!(told.to_string().contains("upgrade works in `shop` since "), "{told}");
        first.give_back().await;
        assert!(server.get(PATH).is_none());
        assert!(take(&server).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_lease_of_a_dead_operator_is_taken_over_after_watching_it() {
        let server = Server::default();
        take(&server).await.unwrap().heart.abort();
        server.touch(PATH, |lease| {
            lease["spec"]["renewTime"] = "2020-01-01T00:00:00.000000Z".into();
        });
        assert!(take(&server).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_renewal_whose_answer_was_lost_is_not_a_loss() {
        let server = Server::default();
        let lease = take(&server).await.unwrap();
        server.touch(PATH, |lease| {
            lease["spec"]["renewTime"] = "2020-01-01T00:00:00.000000Z".into();
        });
        tokio::time::sleep(HEARTBEAT * 3).await;
        assert!(lease.is_lost().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_loses_the_lease_learns_it() {
        let server = Server::default();
        let lease = take(&server).await.unwrap();
        assert!(lease.is_lost().is_none());
        server.touch(PATH, |lease| lease["spec"]["holderIdentity"] = "another".into());
        assert_eq!(lease.lost().await.code(), ExitCode::Midway);
        lease.give_back().await;
        assert_eq!(
            server.get(PATH).unwrap()["spec"]["holderIdentity"],
            "another",
            "a lease of others stays"
        );
    }
}
