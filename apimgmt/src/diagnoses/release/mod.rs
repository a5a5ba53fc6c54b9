//! Helm's release and what its objects promise: revisions, rollouts, hooks, autoscalers.

mod autoscaler_blind;
mod budget_forbids_drain;
mod deployment_paused;
mod former_revisions_dropped;
mod hook_failed;
mod metrics_api_down;
mod release_failed;
mod release_pending;

pub(super) use autoscaler_blind::DIAGNOSIS as AUTOSCALER_BLIND;
pub(super) use budget_forbids_drain::DIAGNOSIS as BUDGET_FORBIDS_DRAIN;
pub(super) use deployment_paused::DIAGNOSIS as DEPLOYMENT_PAUSED;
pub(super) use former_revisions_dropped::DIAGNOSIS as FORMER_REVISIONS_DROPPED;
pub(super) use hook_failed::DIAGNOSIS as HOOK_FAILED;
pub(super) use metrics_api_down::DIAGNOSIS as METRICS_API_DOWN;
pub(super) use release_failed::DIAGNOSIS as RELEASE_FAILED;
pub(super) use release_pending::DIAGNOSIS as RELEASE_PENDING;
