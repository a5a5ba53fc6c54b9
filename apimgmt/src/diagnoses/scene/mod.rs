//! The scene that diagnoses look at: a Snapshot in which what belongs together is looked up once.
//!
//! Every accessor asks the Snapshot first, so that what a diagnosis read shows even when the index was there already.
//! Everything is sorted by name: the order in which objects arrived never shows in a finding.

pub(crate) mod absence;
mod addresses;
mod answers;
mod barriers;
pub(crate) mod certificates;
pub(crate) mod commands;
mod dependencies;
mod evidence;
pub(crate) mod figures;
mod health;
pub(crate) mod heaps;
mod horizons;
mod kills;
pub(crate) mod logins;
pub(crate) mod memory;
pub(crate) mod old_environment;
pub(crate) mod probe_patch;
mod probes;
pub(crate) mod pulls;
mod refused_creations;
pub(crate) mod scheduling;
mod secret_values;
pub(crate) mod servers;
mod services;
mod sightings;
mod text;
mod workloads;

use std::{
    cell::OnceCell,
    collections::{BTreeMap, BTreeSet, HashMap},
};

pub(crate) use addresses::{Manner, Refusal};
pub(crate) use answers::Said;
pub(crate) use barriers::Barrier;
pub(crate) use dependencies::Need;
pub(crate) use health::{is_initial, minutes, since, trouble};
pub(crate) use kills::Kill;
pub(crate) use probes::{ProbeKind, WrongProbe};
pub(crate) use pulls::PullFailure;
pub(crate) use refused_creations::RefusedCreation;
pub(crate) use services::{Backing, selects};
pub(crate) use sightings::{Group, Sighting, per_key, per_workload};
pub(crate) use text::{after, clean, counted, distance, lasting, list, quoted, sized};
pub(crate) use workloads::Workload;

use jiff::Timestamp;

use crate::snapshot::{
    Metadata, Pod, Snapshot, Unreadable,
    cluster::Node,
    events::Event,
    workloads::{Job, ReplicaSet},
};

/// Lines by pod, container and whether they are of the run before.
type Logs<'a> = HashMap<(&'a str, &'a str, bool), &'a [String]>;

/// A Snapshot with what belongs together looked up once.
pub struct Scene<'a> {
    /// What was read.
    pub snapshot: &'a Snapshot,
    pods: OnceCell<Vec<&'a Pod>>,
    current: OnceCell<Vec<&'a Pod>>,
    replica_sets: OnceCell<HashMap<&'a str, &'a ReplicaSet>>,
    newest_revisions: OnceCell<HashMap<&'a str, i64>>,
    events: OnceCell<HashMap<(&'a str, &'a str), Vec<&'a Event>>>,
    logs: OnceCell<Logs<'a>>,
    backings: OnceCell<BTreeMap<&'a str, Backing<'a>>>,
    services_by_pod: OnceCell<HashMap<&'a str, Vec<&'a str>>>,
    needs: OnceCell<HashMap<String, Vec<Need<'a>>>>,
    dependents: OnceCell<HashMap<&'a str, Vec<&'a Pod>>>,
    explained: BTreeSet<String>,
}

impl<'a> Scene<'a> {
    /// The scene of a Snapshot; nothing is looked up before it is asked for.
    pub fn new(snapshot: &'a Snapshot) -> Self {
        Self {
            snapshot,
            pods: OnceCell::new(),
            current: OnceCell::new(),
            replica_sets: OnceCell::new(),
            newest_revisions: OnceCell::new(),
            events: OnceCell::new(),
            logs: OnceCell::new(),
            backings: OnceCell::new(),
            services_by_pod: OnceCell::new(),
            needs: OnceCell::new(),
            dependents: OnceCell::new(),
            explained: BTreeSet::new(),
        }
    }

    /// Notes the objects that some cause explains, for the diagnosis that looks at what is left.
    pub(super) fn explain(&mut self, objects: BTreeSet<String>) {
        self.explained = objects;
    }

    /// Whether some cause explains what is wrong with a pod.
    pub(crate) fn is_explained(&self, pod: &Pod) -> bool {
        self.explained.contains(&pod.object())
    }

    /// The namespace.
    pub(crate) fn namespace(&self) -> &'a str {
        &self.snapshot.namespace
    }

    /// The command that returns a workload to its former revision.
    pub(crate) fn undo(&self, workload: &str) -> String {
        format!("kubectl rollout undo {workload} -n {}", self.namespace())
    }

    /// The time of the Snapshot.
    pub(crate) fn now(&self) -> Timestamp {
        self.snapshot.taken_at
    }

    /// Every pod, by name.
    pub(crate) fn pods(&self) -> Result<&[&'a Pod], Unreadable> {
        let pods = self.snapshot.pods()?;
        Ok(self.pods.get_or_init(|| {
            let mut pods: Vec<_> = pods.iter().collect();
            pods.sort_by(|left, right| left.metadata.name.cmp(&right.metadata.name));
            pods
        }))
    }

    /// Nodes by name; none where they could not be read.
    pub(crate) fn nodes(&self) -> Vec<&'a Node> {
        let mut nodes: Vec<_> = self.snapshot.nodes().into_iter().flatten().collect();
        nodes.sort_by(|left, right| left.metadata.name.cmp(&right.metadata.name));
        nodes
    }

    /// The pods that matter now: without those that are going, are done, were replaced, or belong to a former revision.
    pub(crate) fn current(&self) -> Result<&[&'a Pod], Unreadable> {
        let pods = self.pods()?;
        let (_, jobs) = (self.snapshot.replica_sets(), self.snapshot.jobs().ok());
        Ok(self.current.get_or_init(|| {
            let jobs: HashMap<&str, &Job> = jobs
                .into_iter()
                .flatten()
                .map(|job| (job.metadata.name.as_str(), job))
                .collect();
            pods.iter().copied().filter(|pod| self.is_current(pod, &jobs)).collect()
        }))
    }

    fn is_current(&self, pod: &Pod, jobs: &HashMap<&str, &Job>) -> bool {
        let is_test = pod
            .metadata
            .annotations
            .get("helm.sh/hook")
            .is_some_and(|hook| hook.contains("test"));
        if pod.metadata.deletion_timestamp.is_some() || pod.has_succeeded() || is_test {
            return false;
        }
        let failed = pod.status.phase == "Failed";
        match pod.metadata.controller() {
            None => true,
            Some(owner) if owner.kind == "ReplicaSet" => !failed && !self.is_of_former_template(pod),
            Some(owner) if owner.kind == "Job" => match jobs.get(owner.name.as_str()) {
                Some(job) => {
                    job.status.succeeded == 0 && (!failed || job.status.active == 0) && !succeeded_later(job, jobs)
                }
                None => true,
            },
            Some(_) => !failed,
        }
    }

    /// Whether a deployment's pod was made by a template that has been replaced.
    pub(crate) fn is_of_former_template(&self, pod: &Pod) -> bool {
        let owner = pod.metadata.controller().filter(|owner| owner.kind == "ReplicaSet");
        owner.is_some_and(|owner| self.is_superseded(&owner.name))
    }

    /// Whether a newer replica set of the same deployment exists: what is left of this one is on its way out.
    fn is_superseded(&self, replica_set: &str) -> bool {
        let newest = self.newest_revisions.get_or_init(|| {
            let mut newest = HashMap::new();
            for set in self.replica_sets().values() {
                if let Some(owner) = set.metadata.controller() {
                    let highest = newest.entry(owner.name.as_str()).or_insert(0);
                    *highest = revision(&set.metadata).max(*highest);
                }
            }
            newest
        });
        self.replica_sets().get(replica_set).is_some_and(|set| {
            let owner = set.metadata.controller().map(|owner| owner.name.as_str());
            owner
                .and_then(|owner| newest.get(owner))
                .is_some_and(|newest| revision(&set.metadata) < *newest)
        })
    }

    /// Replica sets by name; none where they could not be read.
    fn replica_sets(&self) -> &HashMap<&'a str, &'a ReplicaSet> {
        let sets = self.snapshot.replica_sets().ok();
        self.replica_sets.get_or_init(|| {
            let sets = sets.into_iter().flatten();
            sets.map(|set| (set.metadata.name.as_str(), set)).collect()
        })
    }

    /// What keeps a pod running, `kind/name`: the deployment behind its replica set, its controller, or the pod itself.
    pub(crate) fn workload(&self, pod: &Pod) -> String {
        let Some(owner) = pod.metadata.controller() else {
            return pod.object();
        };
        if owner.kind != "ReplicaSet" {
            return format!("{}/{}", owner.kind.to_ascii_lowercase(), owner.name);
        }
        if let Some(set) = self.replica_sets().get(owner.name.as_str()) {
            return match set.metadata.controller() {
                Some(deployment) => format!("{}/{}", deployment.kind.to_ascii_lowercase(), deployment.name),
                None => format!("replicaset/{}", owner.name),
            };
        }
        workload_by_name(&pod.metadata)
    }

    /// Events about an object, oldest first; none where they could not be read. A `uid` keeps away those about a
    /// former object of the same name.
    pub(crate) fn events(
        &self,
        kind: &'a str,
        metadata: &'a Metadata,
    ) -> impl Iterator<Item = &'a Event> + use<'_, 'a> {
        let events = self.snapshot.events().ok();
        let index = self.events.get_or_init(|| {
            let mut index: HashMap<_, Vec<&Event>> = HashMap::new();
            for event in events.into_iter().flatten() {
                let object = &event.involved_object;
                index
                    .entry((object.kind.as_str(), object.name.as_str()))
                    .or_default()
                    .push(event);
            }
            for events in index.values_mut() {
                events.sort_by_key(|event| (event.last_seen(), &event.metadata.name, &event.message));
            }
            index
        });
        let about = index
            .get(&(kind, metadata.name.as_str()))
            .map(Vec::as_slice)
            .unwrap_or_default();
        about.iter().copied().filter(move |event| {
            let uid = &event.involved_object.uid;
            uid.is_empty() || metadata.uid.is_empty() || *uid == metadata.uid
        })
    }

    /// Events about a pod, oldest first.
    pub(crate) fn pod_events(&self, pod: &'a Pod) -> impl Iterator<Item = &'a Event> + use<'_, 'a> {
        self.events("Pod", &pod.metadata)
    }

    /// The last lines of a container's run, oldest first; none where they could not be read.
    pub(crate) fn log(&self, pod: &Pod, container: &str, previous: bool) -> &'a [String] {
        let logs = self.snapshot.logs().ok();
        let index = self.logs.get_or_init(|| {
            let tails = logs.into_iter().flatten();
            tails
                .map(|tail| {
                    (
                        (tail.pod.as_str(), tail.container.as_str(), tail.previous),
                        tail.lines.as_slice(),
                    )
                })
                .collect()
        });
        index
            .get(&(pod.metadata.name.as_str(), container, previous))
            .copied()
            .unwrap_or_default()
    }
}

/// Whether a later job of the same schedule succeeded: the failure of this one is over.
fn succeeded_later(job: &Job, jobs: &HashMap<&str, &Job>) -> bool {
    let Some(schedule) = job.metadata.controller() else {
        return false;
    };
    jobs.values().any(|other| {
        other.status.succeeded > 0
            && other.metadata.controller() == Some(schedule)
            && other.metadata.creation_timestamp > job.metadata.creation_timestamp
    })
}

/// The revision that the deployment controller wrote on a replica set.
fn revision(metadata: &Metadata) -> i64 {
    let written = metadata.annotations.get("deployment.kubernetes.io/revision");
    written.and_then(|number| number.parse().ok()).unwrap_or(0)
}

/// The workload of a pod by the names alone: a replica set is called `DEPLOYMENT-HASH`.
pub(crate) fn workload_by_name(pod: &Metadata) -> String {
    let Some(owner) = pod.controller() else {
        return format!("pod/{}", pod.name);
    };
    let deployment = pod
        .label("pod-template-hash")
        .and_then(|hash| owner.name.strip_suffix(hash)?.strip_suffix('-'))
        .filter(|_| owner.kind == "ReplicaSet");
    match deployment {
        Some(name) => format!("deployment/{name}"),
        None => format!("{}/{}", owner.kind.to_ascii_lowercase(), owner.name),
    }
}
