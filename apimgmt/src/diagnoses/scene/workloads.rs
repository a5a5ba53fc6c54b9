//! Workloads by what they want and what they have, whatever their kind.

use super::Scene;
use crate::snapshot::{Condition, Metadata, PodTemplate, Source, workloads::WorkloadStatus};

/// A deployment or a stateful set.
pub(crate) struct Workload<'a> {
    /// `kind/name`.
    pub(crate) object: String,
    /// Where it was read.
    pub(crate) source: Source,
    /// Identity.
    pub(crate) metadata: &'a Metadata,
    /// Pods to make.
    pub(crate) template: &'a PodTemplate,
    /// Pods wanted.
    pub(crate) wanted: i64,
    /// Whether nobody may act on a new template.
    pub(crate) paused: bool,
    /// What it reports.
    pub(crate) status: &'a WorkloadStatus,
}

impl<'a> Workload<'a> {
    /// Whether its controller has seen its newest template, and acts on it.
    pub(crate) fn is_observed(&self) -> bool {
        !self.paused && self.status.observed_generation >= self.metadata.generation
    }

    /// A condition.
    pub(crate) fn condition(&self, kind: &str) -> Option<&'a Condition> {
        crate::snapshot::condition(&self.status.conditions, kind)
    }

    /// What is visibly wrong with it.
    pub(crate) fn trouble(&self) -> Option<String> {
        let stuck = self
            .condition("Progressing")
            .is_some_and(|it| it.status == "False" && it.reason == "ProgressDeadlineExceeded");
        let ready = self.status.ready_replicas;
        match (ready < self.wanted, stuck) {
            (true, true) => Some(format!(
                "{ready} of {} pods ready; its rollout passed the progress deadline",
                self.wanted
            )),
            (true, false) => Some(format!("{ready} of {} pods ready", self.wanted)),
            (false, true) => {
                Some("its rollout passed the progress deadline; pods of the former revision still serve".into())
            }
            (false, false) => None,
        }
    }
}

impl<'a> Scene<'a> {
    /// Deployments and stateful sets by name; what could not be read is left out.
    pub(crate) fn workloads(&self) -> Vec<Workload<'a>> {
        let snapshot = self.snapshot;
        let deployments = snapshot.deployments().into_iter().flatten().map(|it| Workload {
            object: format!("deployment/{}", it.metadata.name),
            source: Source::Deployments,
            metadata: &it.metadata,
            template: &it.spec.template,
            wanted: it.spec.replicas.unwrap_or(1),
            paused: it.spec.paused,
            status: &it.status,
        });
        let stateful_sets = snapshot.stateful_sets().into_iter().flatten().map(|it| Workload {
            object: format!("statefulset/{}", it.metadata.name),
            source: Source::StatefulSets,
            metadata: &it.metadata,
            template: &it.spec.template,
            wanted: it.spec.replicas.unwrap_or(1),
            paused: false,
            status: &it.status,
        });
        let mut workloads: Vec<_> = deployments.chain(stateful_sets).collect();
        workloads.sort_by(|left, right| left.object.cmp(&right.object));
        workloads
    }
}
