//! Pods that a controller may not create, with the API server's reason.

use std::collections::BTreeMap;

use super::Scene;
use crate::{
    checklist::Evidence,
    snapshot::{Source, condition},
};

/// A workload whose pods the API server refuses.
pub(crate) struct RefusedCreation {
    /// The workload, `kind/name`.
    pub(crate) workload: String,
    /// What the API server said.
    pub(crate) message: String,
    /// Pods that are lacking.
    pub(crate) lacking: i64,
    /// The condition or event that says so.
    pub(crate) evidence: Evidence,
}

impl Scene<'_> {
    /// Workloads that have fewer pods than they want because the API server refuses new ones.
    ///
    /// Replica sets say it in a condition; stateful sets only by events, which count while pods are lacking.
    pub(crate) fn refused_creations(&self) -> Vec<RefusedCreation> {
        let mut refused: BTreeMap<String, RefusedCreation> = BTreeMap::new();
        for set in self.replica_sets().values() {
            let wanted = set.spec.replicas.unwrap_or(1);
            let failure = condition(&set.status.conditions, "ReplicaFailure").filter(|it| it.status == "True");
            let Some(failure) =
                failure.filter(|_| wanted > set.status.replicas && !self.is_superseded(&set.metadata.name))
            else {
                continue;
            };
            let object = format!("replicaset/{}", set.metadata.name);
            let workload = set.metadata.controller().map_or(object.clone(), |it| {
                format!("{}/{}", it.kind.to_ascii_lowercase(), it.name)
            });
            let mut evidence = self.field(
                Source::ReplicaSets,
                object,
                "status.conditions[ReplicaFailure]",
                &failure.message,
            );
            evidence.at = failure.last_transition_time.unwrap_or(evidence.at);
            let message = failure.message.clone();
            refused.insert(
                workload.clone(),
                RefusedCreation {
                    workload,
                    message,
                    lacking: wanted - set.status.replicas,
                    evidence,
                },
            );
        }
        for workload in self
            .workloads()
            .into_iter()
            .filter(|it| it.source == Source::StatefulSets)
        {
            let lacking = workload.wanted - workload.status.replicas;
            let events = self
                .events("StatefulSet", workload.metadata)
                .filter(|event| event.reason == "FailedCreate");
            if let Some(event) = events.last().filter(|_| lacking > 0) {
                let evidence = self.event(&workload.object, event);
                let object = workload.object.clone();
                refused.insert(
                    object.clone(),
                    RefusedCreation {
                        workload: object,
                        message: event.message.clone(),
                        lacking,
                        evidence,
                    },
                );
            }
        }
        refused.into_values().collect()
    }
}
