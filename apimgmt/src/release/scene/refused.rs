//! Pods of the newest revision that the API server does not let be made, in the words in which it refused them.

use super::{Scene, failure, is_seen, phase_of};
use crate::{
    checklist::Phase,
    snapshot::{Metadata, Uid, condition, events::Event, hostile, workloads::ReplicaSet},
};

/// A workload whose pods are refused.
pub struct Refused<'a> {
    /// `deployment/api-management`.
    pub object: String,
    /// The object whose pods they are.
    pub uid: &'a Uid,
    /// Its phase.
    pub phase: Phase,
    /// What the API server said.
    pub message: &'a str,
    /// Whether pods of the same revision run already: then only their number is in question.
    pub works: bool,
}

impl Scene {
    /// The workloads whose pods are refused now. What was refused before the change is none of its doing.
    pub fn refused(&self) -> Vec<Refused<'_>> {
        let of_replica_sets = self.replica_sets.values().filter_map(|set| {
            let phase = self.phase_by_replica_set(&set.metadata.name)?;
            let message = refusal(set).filter(|_| !self.former.contains(&mark(set)))?;
            Some(Refused {
                object: format!("deployment/{}", set.metadata.controller()?.name),
                uid: &set.metadata.uid,
                phase,
                message,
                works: set.status.ready_replicas > 0,
            })
        });
        let of_stateful_sets = self.stateful_sets.values().filter_map(|set| {
            let lacks = set.spec.replicas.unwrap_or(1) > set.status.replicas;
            let counts = self.owns(super::Kind::StatefulSet, &set.metadata) && is_seen(&set.metadata, &set.status);
            let message = self.refusals.get(&set.metadata.uid).filter(|_| lacks && counts)?;
            Some(refused("statefulset", &set.metadata, message))
        });
        let of_jobs = self.jobs.values().filter(|job| self.is_our_job(job)).filter_map(|job| {
            let is_own = |metadata: &Metadata| metadata.is_controlled_by("Job", &job.metadata.name);
            let has_pod = self.pods.values().any(|pod| is_own(&pod.metadata));
            let is_done = failure(job).is_some() || condition(&job.status.conditions, "Complete").is_some();
            let message = self.refusals.get(&job.metadata.uid).filter(|_| !has_pod && !is_done)?;
            Some(refused("job", &job.metadata, message))
        });
        of_replica_sets.chain(of_stateful_sets).chain(of_jobs).collect()
    }

    /// Notes that a pod could not be made. Stateful sets and jobs say so in events alone.
    pub(super) fn see_event(&mut self, event: &Event) {
        if event.reason == "FailedCreate" && !self.former.contains(&once(event)) {
            let words = hostile::capped(&event.message, 300);
            self.refusals.insert(event.involved_object.uid.clone(), words);
        }
    }

    /// Whether something moves that may make room: pods that leave, start or do their work and end.
    pub fn is_moving(&self) -> bool {
        self.has_leaving_pods()
            || self
                .new_pods()
                .iter()
                .any(|new| !new.former && !new.pod.is_ready() && !new.pod.has_ended())
    }
}

fn refused<'a>(kind: &str, metadata: &'a Metadata, message: &'a str) -> Refused<'a> {
    Refused {
        object: format!("{kind}/{}", metadata.name),
        uid: &metadata.uid,
        phase: phase_of(metadata),
        message,
        works: false,
    }
}

fn refusal(set: &ReplicaSet) -> Option<&str> {
    let failed = condition(&set.status.conditions, "ReplicaFailure")?;
    (failed.status == "True" && failed.reason == "FailedCreate").then_some(failed.message.as_str())
}

/// By which a replica set is known whose pods were refused before.
pub(super) fn mark(set: &ReplicaSet) -> String {
    format!("{}/{}", set.metadata.uid, refusal(set).map_or("", |_| "refused"))
}

/// An event as often as it has happened: once more is another.
pub(super) fn once(event: &Event) -> String {
    format!("{}/{}/{:?}", event.metadata.uid, event.count, event.last_timestamp)
}
