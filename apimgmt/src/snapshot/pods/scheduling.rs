//! Where a pod may go: tolerations, affinity and spreading.

use serde::{Deserialize, Serialize};

use crate::snapshot::{LabelSelector, metadata::Requirement};

/// A toleration of a taint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Toleration {
    /// Taint key; empty with `Exists` tolerates every key.
    pub key: String,
    /// `Equal` (default) or `Exists`.
    pub operator: String,
    /// Taint value.
    pub value: String,
    /// Effect; empty means every effect.
    pub effect: String,
}

/// Affinity rules.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Affinity {
    /// Towards nodes.
    pub node_affinity: NodeAffinity,
    /// Towards pods.
    pub pod_affinity: PodAffinity,
    /// Away from pods.
    pub pod_anti_affinity: PodAffinity,
}

/// Node affinity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeAffinity {
    /// What must hold.
    pub required_during_scheduling_ignored_during_execution: NodeSelectorTerms,
}

/// Alternatives of node requirements.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSelectorTerms {
    /// One of them must hold.
    pub node_selector_terms: Vec<NodeSelectorTerm>,
}

/// Requirements that hold together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSelectorTerm {
    /// On labels.
    pub match_expressions: Vec<Requirement>,
}

/// Pod affinity or anti-affinity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodAffinity {
    /// What must hold.
    pub required_during_scheduling_ignored_during_execution: Vec<PodAffinityTerm>,
}

/// One pod affinity rule.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodAffinityTerm {
    /// Which pods.
    pub label_selector: LabelSelector,
    /// Node label that makes a place.
    pub topology_key: String,
}

/// Spreading of pods over places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct TopologySpread {
    /// Node label that makes a place.
    pub topology_key: String,
    /// Largest difference between places.
    pub max_skew: i64,
    /// `DoNotSchedule` or `ScheduleAnyway`.
    pub when_unsatisfiable: String,
    /// Which pods are counted.
    pub label_selector: LabelSelector,
}
