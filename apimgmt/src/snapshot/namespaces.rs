//! The namespace, its limits and its service accounts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Metadata, Quantity, pods::LocalReference};

/// A namespace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Namespace {
    /// Identity; the labels carry the Pod Security levels.
    pub metadata: Metadata,
    /// What is.
    pub status: NamespaceStatus,
}

/// What a namespace reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamespaceStatus {
    /// `Active` or `Terminating`.
    pub phase: String,
}

/// A quota.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ResourceQuota {
    /// Identity.
    pub metadata: Metadata,
    /// What is.
    pub status: QuotaStatus,
}

/// What a quota reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct QuotaStatus {
    /// Most that is allowed.
    pub hard: BTreeMap<String, Quantity>,
    /// What is used.
    pub used: BTreeMap<String, Quantity>,
}

/// Default and extreme limits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitRange {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: LimitRangeSpec,
}

/// The limits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitRangeSpec {
    /// One entry for each kind of consumer.
    pub limits: Vec<LimitRangeItem>,
}

/// The limits of one kind of consumer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LimitRangeItem {
    /// `Container`, `Pod`, `PersistentVolumeClaim`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Limits given to containers that have none.
    #[serde(rename = "default")]
    pub default_limits: BTreeMap<String, Quantity>,
    /// Requests given to containers that have none.
    pub default_request: BTreeMap<String, Quantity>,
    /// Most.
    pub max: BTreeMap<String, Quantity>,
    /// Least.
    pub min: BTreeMap<String, Quantity>,
}

/// A service account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServiceAccount {
    /// Identity.
    pub metadata: Metadata,
    /// Secrets used to pull images.
    pub image_pull_secrets: Vec<LocalReference>,
}
