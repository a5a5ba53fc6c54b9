//! Workloads: what keeps pods running, and what scales them.

use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    Condition, LabelSelector, Metadata, PodTemplate, Port, Quantity, condition, storage::PersistentVolumeClaim,
};

/// A deployment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Deployment {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: DeploymentSpec,
    /// What is.
    pub status: WorkloadStatus,
}

/// What a deployment asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeploymentSpec {
    /// Wanted pods; absent means 1.
    pub replicas: Option<i64>,
    /// Whose pods.
    pub selector: LabelSelector,
    /// Pods to make.
    pub template: PodTemplate,
    /// How they are replaced.
    pub strategy: DeploymentStrategy,
    /// No new pods while set.
    pub paused: bool,
    /// Old replica sets kept; absent means 10.
    pub revision_history_limit: Option<i64>,
}

/// How a deployment replaces pods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DeploymentStrategy {
    /// `RollingUpdate` or `Recreate`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Limits of a rolling update.
    pub rolling_update: Option<RollingUpdate>,
}

impl DeploymentStrategy {
    /// Pods above the wanted number during a rollout; a percentage is rounded up, and absent means 25 %
    /// (<https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#max-surge>).
    pub fn surge(&self, replicas: i64) -> i64 {
        if self.kind == "Recreate" {
            return 0;
        }
        let percent = |percent: i64| (replicas * percent + 99) / 100;
        match self
            .rolling_update
            .as_ref()
            .and_then(|update| update.max_surge.as_ref())
        {
            None => percent(25),
            Some(Port::Number(pods)) => i64::from(*pods),
            Some(Port::Name(text)) => text.trim_end_matches('%').parse().map_or(replicas, percent),
        }
    }
}

/// Limits of a rolling update, each a number or a percentage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct RollingUpdate {
    /// Pods above the wanted number.
    pub max_surge: Option<Port>,
    /// Pods below the wanted number.
    pub max_unavailable: Option<Port>,
}

/// What a workload reports of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct WorkloadStatus {
    /// Generation the controller has acted on.
    pub observed_generation: i64,
    /// Pods.
    pub replicas: i64,
    /// Ready pods.
    pub ready_replicas: i64,
    /// Pods of the newest template.
    pub updated_replicas: i64,
    /// Pods ready for long enough.
    pub available_replicas: i64,
    /// Revision that new pods get (stateful sets).
    pub update_revision: String,
    /// Revision that old pods have (stateful sets).
    pub current_revision: String,
    /// Conditions.
    pub conditions: Vec<Condition>,
}

/// A replica set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplicaSet {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: ReplicaSetSpec,
    /// What is.
    pub status: WorkloadStatus,
}

/// What a replica set asks for, beside what its deployment says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ReplicaSetSpec {
    /// Wanted pods; absent means 1.
    pub replicas: Option<i64>,
}

/// A stateful set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatefulSet {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: StatefulSetSpec,
    /// What is.
    pub status: WorkloadStatus,
}

/// What a stateful set asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StatefulSetSpec {
    /// Wanted pods; absent means 1.
    pub replicas: Option<i64>,
    /// Whose pods.
    pub selector: LabelSelector,
    /// Pods to make.
    pub template: PodTemplate,
    /// The service that names its pods.
    pub service_name: String,
    /// Claims made for each pod.
    pub volume_claim_templates: Vec<PersistentVolumeClaim>,
}

/// A job.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Job {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: JobSpec,
    /// What is.
    pub status: JobStatus,
}

impl Job {
    /// The condition by which it failed for good.
    pub fn failed(&self) -> Option<&Condition> {
        condition(&self.status.conditions, "Failed").filter(|failed| failed.status == "True")
    }

    /// The same, when it came after a time; without one at any time.
    pub fn failed_since(&self, last: Option<Timestamp>) -> Option<&Condition> {
        self.failed().filter(|failed| {
            failed
                .last_transition_time
                .is_some_and(|at| last.is_none_or(|last| at > last))
        })
    }
}

/// What a job asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobSpec {
    /// Pods to make.
    pub template: PodTemplate,
    /// Tries before it fails; absent means 6.
    pub backoff_limit: Option<i64>,
}

/// What a job reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct JobStatus {
    /// Running pods.
    pub active: i64,
    /// Pods that succeeded.
    pub succeeded: i64,
    /// Pods that failed.
    pub failed: i64,
    /// Conditions; `Complete` or `Failed` when done.
    pub conditions: Vec<Condition>,
    /// When it was done.
    pub completion_time: Option<Timestamp>,
}

/// A job that is made by the clock.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronJob {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: CronJobSpec,
    /// What is.
    pub status: CronJobStatus,
}

/// What a cron job asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronJobSpec {
    /// When, as cron writes it.
    pub schedule: String,
    /// No new jobs while set.
    pub suspend: bool,
    /// Jobs to make.
    pub job_template: JobTemplate,
}

/// A template that cron jobs make jobs from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JobTemplate {
    /// What is asked for.
    pub spec: JobSpec,
}

/// What a cron job reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CronJobStatus {
    /// When a job was made last.
    pub last_schedule_time: Option<Timestamp>,
    /// When a job succeeded last.
    pub last_successful_time: Option<Timestamp>,
}

/// A daemon set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DaemonSet {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: DaemonSetSpec,
}

/// What a daemon set asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DaemonSetSpec {
    /// Whose pods.
    pub selector: LabelSelector,
    /// Pods to make.
    pub template: PodTemplate,
}

/// An autoscaler.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct HorizontalPodAutoscaler {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: AutoscalerSpec,
    /// What is.
    pub status: AutoscalerStatus,
}

impl HorizontalPodAutoscaler {
    /// How long it waits before it takes pods away when it does not say
    /// (<https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/#default-behavior>).
    const STABILIZATION: i64 = 300;

    /// Whether it scales a workload, as in `deployment/api-management`.
    pub fn scales(&self, workload: &str) -> bool {
        let target = &self.spec.scale_target_ref;
        workload == format!("{}/{}", target.kind.to_ascii_lowercase(), target.name)
    }

    /// How long it looks back before it takes pods away.
    pub fn window(&self) -> Duration {
        let declared = self.spec.behavior.scale_down.stabilization_window_seconds;
        Duration::from_secs(u64::try_from(declared.unwrap_or(Self::STABILIZATION)).unwrap_or_default())
    }

    /// How soon after a load pods must be taken away: its window, and two minutes for the metrics of the load's end, its own
    /// period and the pods' grace.
    pub fn falls_within(&self) -> Duration {
        self.window() + Duration::from_mins(2)
    }
}

/// What an autoscaler asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AutoscalerSpec {
    /// What it scales.
    pub scale_target_ref: ScaleTarget,
    /// Fewest pods; absent means 1.
    pub min_replicas: Option<i64>,
    /// Most pods.
    pub max_replicas: i64,
    /// How fast it scales.
    pub behavior: AutoscalerBehavior,
}

/// How fast an autoscaler scales.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AutoscalerBehavior {
    /// When pods are taken away.
    pub scale_down: ScalingRules,
}

/// How fast an autoscaler scales in one direction.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ScalingRules {
    /// How long it looks back before it acts; absent means 300 for taking away.
    pub stabilization_window_seconds: Option<i64>,
}

/// What an autoscaler scales.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ScaleTarget {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// What an autoscaler reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct AutoscalerStatus {
    /// Pods now.
    pub current_replicas: i64,
    /// Pods it wants.
    pub desired_replicas: i64,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// What it measures now.
    #[serde(deserialize_with = "super::null_is_empty")]
    pub current_metrics: Vec<CurrentMetric>,
}

/// What an autoscaler measures now.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurrentMetric {
    /// `Resource`, `Pods`, `External`, …
    #[serde(rename = "type")]
    pub kind: String,
    /// Of the kind `Resource`: which, and its value.
    pub resource: Option<CurrentResource>,
}

/// The usage of one resource over all pods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CurrentResource {
    /// `cpu` or `memory`.
    pub name: String,
    /// Value.
    pub current: CurrentValue,
}

/// A measured value.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct CurrentValue {
    /// Percent of what the pods request.
    pub average_utilization: Option<i64>,
    /// Amount for each pod.
    pub average_value: Option<Quantity>,
}
