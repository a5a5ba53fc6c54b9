//! What tells whether somebody still works on a release: the last writes of a Helm, and the process that our journal names.

use std::fmt::Debug;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    batch::v1::Job,
    core::v1::{ConfigMap, Secret, Service},
};
use kube::{Api, Client, Resource, ResourceExt, api::ListParams, core::NamespaceResourceScope};
use serde::de::DeserializeOwned;

use crate::{
    Error,
    operation::{Entry as Operation, Journal, Process, api::answers},
    release::{scene::RELEASE_ANNOTATION, store::Store},
};

/// Something that Helm wrote, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Write {
    /// `deployment/api-management`.
    pub object: String,
    /// When.
    pub at: Timestamp,
}

/// What is known of whoever worked here last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Signs {
    /// When this was looked at.
    pub now: Timestamp,
    /// The youngest thing that Helm wrote; nothing when nobody says when.
    pub youngest: Option<Write>,
    /// The Helm that our journal names, when it ran on this machine: whether it lives.
    pub process: Option<(Process, bool)>,
}

/// Whether somebody works on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Proof {
    /// Nobody does, and why that is certain.
    Nobody(String),
    /// Somebody does.
    Somebody(String),
    /// Nobody can say yet.
    NotYet(String),
}

impl Signs {
    /// Reads them. A Helm says nothing while it waits, so silence proves something only when it lasts longer than a wait.
    pub(super) async fn of(
        client: &Client,
        namespace: &str,
        store: &Store,
        revision: u32,
        journal: &Journal,
    ) -> Result<Self, Error> {
        let release = store.release();
        let (record, deployments, stateful_sets, services, maps, secrets, jobs) = futures::try_join!(
            store.written(revision),
            newest::<Deployment>(client, namespace, release),
            newest::<StatefulSet>(client, namespace, release),
            newest::<Service>(client, namespace, release),
            newest::<ConfigMap>(client, namespace, release),
            newest::<Secret>(client, namespace, release),
            newest::<Job>(client, namespace, release),
        )?;
        let record = record.map(|at| Write {
            object: format!("Helm's record of revision {revision}"),
            at,
        });
        let writes = [record, deployments, stateful_sets, services, maps, secrets, jobs];
        Ok(Self {
            now: Timestamp::now(),
            youngest: writes.into_iter().flatten().max_by_key(|write| write.at),
            process: journal
                .unfinished()
                .and_then(Operation::process)
                .filter(Process::is_of_this_machine)
                .map(|process| {
                    let lives = process.lives();
                    (process, lives)
                }),
        })
    }

    /// What they prove; silence counts when it lasted `quiet`.
    pub(super) fn proof(&self, quiet: SignedDuration) -> Proof {
        match &self.process {
            Some((process, true)) => return Proof::Somebody(format!("{process} still runs")),
            Some((process, false)) => return Proof::Nobody(format!("{process}, which worked on it, is gone")),
            None => {}
        }
        let Some(write) = &self.youngest else {
            return Proof::NotYet("nothing says when Helm last wrote".into());
        };
        let silent = self.now.duration_since(write.at);
        let last = format!("Helm last wrote {} s ago, {}", silent.as_secs(), write.object);
        if silent >= quiet {
            Proof::Nobody(format!("{last}: longer than it waits for anything"))
        } else {
            Proof::NotYet(format!(
                "{last}; after {} s of silence nobody is at work",
                quiet.as_secs()
            ))
        }
    }
}

/// The youngest write of a Helm to objects of one kind of the release.
async fn newest<K>(client: &Client, namespace: &str, release: &str) -> Result<Option<Write>, Error>
where
    K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + Debug + DeserializeOwned,
{
    let (objects, kind) = (Api::<K>::namespaced(client.clone(), namespace), K::kind(&()));
    let listed = answers(
        objects.list_metadata(&ListParams::default()),
        "list",
        &K::plural(&()),
        namespace,
    )
    .await?;
    let of_release = listed.iter().filter(|object| {
        object
            .annotations()
            .get(RELEASE_ANNOTATION)
            .is_some_and(|name| name == release)
    });
    let writes = of_release.flat_map(|object| {
        let by_helm = object.managed_fields().iter().filter(|entry| {
            let manager = entry.manager.as_deref().unwrap_or_default();
            // Helm 3 writes under the name of its binary.
            manager.starts_with("helm")
        });
        by_helm.filter_map(|entry| {
            Some(Write {
                object: format!("{}/{}", kind.to_lowercase(), object.name_any()),
                at: entry.time.as_ref()?.0,
            })
        })
    });
    Ok(writes.max_by_key(|write| write.at))
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: SignedDuration = SignedDuration::from_secs(330);

    fn signs(seconds_ago: Option<i64>, process: Option<bool>) -> Signs {
        let now: Timestamp = "2026-11-23T08:00:00Z".parse().unwrap();
        let process = process.map(|lives| {
            let process = Process::parse("helm upgrade: process 4711 of root@here").unwrap();
            (process, lives)
        });
        Signs {
            now,
            youngest: seconds_ago.map(|seconds| Write {
                object: "deployment/shop".into(),
                at: now - SignedDuration::from_secs(seconds),
            }),
            process,
        }
    }

    #[test]
    fn silence_proves_something_only_when_it_is_longer_than_a_wait() {
        assert!(
            matches!(signs(Some(300), None).proof(QUIET), Proof::NotYet(why) if why.contains("300 s ago, deployment/shop"))
        );
        assert!(matches!(signs(Some(331), None).proof(QUIET), Proof::Nobody(_)));
        assert!(matches!(signs(None, None).proof(QUIET), Proof::NotYet(_)));
    }

    #[test]
    fn a_process_of_this_machine_is_known_to_live_or_to_be_gone() {
        assert!(matches!(signs(Some(900), Some(true)).proof(QUIET), Proof::Somebody(_)));
        assert!(matches!(signs(Some(1), Some(false)).proof(QUIET), Proof::Nobody(_)));
    }
}
