//! Disruption budgets: how many pods of a kind may be evicted at once.

use serde::{Deserialize, Serialize};

use super::{Metadata, Port};

/// A disruption budget.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct DisruptionBudget {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: DisruptionBudgetSpec,
    /// What is.
    pub status: DisruptionBudgetStatus,
}

/// What a disruption budget asks for, each a number or a percentage.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DisruptionBudgetSpec {
    /// Pods that must stay.
    pub min_available: Option<Port>,
    /// Pods that may be away.
    pub max_unavailable: Option<Port>,
}

/// What its controller counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct DisruptionBudgetStatus {
    /// Generation that was counted for.
    pub observed_generation: i64,
    /// Pods that may be evicted now.
    pub disruptions_allowed: i64,
    /// Healthy pods.
    pub current_healthy: i64,
    /// Healthy pods that there must be.
    pub desired_healthy: i64,
    /// Pods that it counts.
    pub expected_pods: i64,
}
