//! Storage classes and volume claims.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Condition, Metadata, Quantity, pods::Resources};

/// A storage class.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct StorageClass {
    /// Identity.
    pub metadata: Metadata,
    /// Who makes the volumes.
    pub provisioner: String,
    /// `Delete` or `Retain`; absent means `Delete`.
    pub reclaim_policy: String,
    /// Whether claims may grow.
    pub allow_volume_expansion: bool,
    /// `Immediate` or `WaitForFirstConsumer`.
    pub volume_binding_mode: String,
}

impl StorageClass {
    /// Whether claims that name no class get this one.
    pub fn is_default(&self) -> bool {
        let marked = self
            .metadata
            .annotations
            .get("storageclass.kubernetes.io/is-default-class");
        marked.is_some_and(|value| value == "true")
    }
}

/// A volume claim.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PersistentVolumeClaim {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: ClaimSpec,
    /// What is.
    pub status: ClaimStatus,
}

/// What a claim asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimSpec {
    /// Class; absent means the default class.
    pub storage_class_name: Option<String>,
    /// Size.
    pub resources: Resources,
    /// Volume that it is bound to.
    pub volume_name: String,
}

/// What a claim reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ClaimStatus {
    /// `Pending`, `Bound`, `Lost`.
    pub phase: String,
    /// Size it has.
    pub capacity: BTreeMap<String, Quantity>,
    /// Conditions.
    pub conditions: Vec<Condition>,
}
