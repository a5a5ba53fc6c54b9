//! The cluster around the release: nodes, leases, aggregated APIs, usage, server version and readiness.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Condition, Metadata, Quantity, pods::Toleration};

/// A node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Node {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: NodeSpec,
    /// What is.
    pub status: NodeStatus,
}

/// What is asked of a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NodeSpec {
    /// Takes no new pods.
    pub unschedulable: bool,
    /// Keeps pods away that do not tolerate them.
    pub taints: Vec<Taint>,
}

/// A taint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value.
    pub value: String,
    /// `NoSchedule`, `PreferNoSchedule`, `NoExecute`.
    pub effect: String,
}

impl Taint {
    /// Whether one of the tolerations bears this taint, as the scheduler decides it.
    pub fn is_tolerated(&self, tolerations: &[Toleration]) -> bool {
        tolerations.iter().any(|toleration| {
            (toleration.effect.is_empty() || toleration.effect == self.effect)
                && match toleration.operator.as_str() {
                    "Exists" => toleration.key.is_empty() || toleration.key == self.key,
                    _ => toleration.key == self.key && toleration.value == self.value,
                }
        })
    }
}

/// What a node reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeStatus {
    /// Room for pods.
    pub allocatable: BTreeMap<String, Quantity>,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// Versions.
    pub node_info: NodeInformation,
}

/// Versions of a node.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeInformation {
    /// Version of the kubelet.
    pub kubelet_version: String,
    /// Processor architecture.
    pub architecture: String,
}

/// A lease; a node renews its own every few seconds.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Lease {
    /// Identity, and when it was written.
    pub metadata: LeaseMetadata,
    /// Holder and times.
    pub spec: LeaseSpec,
}

impl Lease {
    /// By how much the holder's clock is ahead of the API server's, at least. Without the server's time of the write only a
    /// renewal from the future shows it.
    pub fn skew(&self, renewed: Timestamp, taken_at: Timestamp) -> SignedDuration {
        match self.metadata.written_at() {
            // The server notes whole seconds, so the write was up to one second later.
            Some(written) if renewed < written => renewed.duration_since(written),
            Some(written) => {
                let ahead = renewed
                    .duration_since(written)
                    .saturating_sub(SignedDuration::from_secs(1));
                ahead.max(SignedDuration::ZERO)
            }
            None => renewed.duration_since(taken_at).max(SignedDuration::ZERO),
        }
    }
}

/// Name and place of a lease, and when the API server took its writes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeaseMetadata {
    /// Name: the node's.
    pub name: String,
    /// Namespace.
    pub namespace: String,
    /// Who wrote which fields; the times are by the API server's clock, in whole seconds.
    pub managed_fields: Vec<Write>,
}

/// One writer of an object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Write {
    /// Time of the last write.
    pub time: Option<Timestamp>,
}

impl LeaseMetadata {
    /// When the last write was taken, by the API server's clock.
    pub fn written_at(&self) -> Option<Timestamp> {
        self.managed_fields.iter().filter_map(|write| write.time).max()
    }
}

/// Holder and times of a lease.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LeaseSpec {
    /// Holder.
    pub holder_identity: String,
    /// Seconds it holds without renewal.
    pub lease_duration_seconds: i64,
    /// Last renewal, by the holder's clock.
    pub renew_time: Option<Timestamp>,
}

/// An aggregated API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiService {
    /// Identity.
    pub metadata: Metadata,
    /// What is.
    pub status: ApiServiceStatus,
}

/// What an aggregated API reports.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApiServiceStatus {
    /// Conditions.
    pub conditions: Vec<Condition>,
}

/// Usage of a pod's containers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PodMetrics {
    /// Identity.
    pub metadata: Metadata,
    /// When it was measured.
    pub timestamp: Option<Timestamp>,
    /// Usage of each container.
    pub containers: Vec<ContainerUsage>,
}

/// Usage of a container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerUsage {
    /// Container.
    pub name: String,
    /// By resource.
    pub usage: BTreeMap<String, Quantity>,
}

/// The API server's version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ServerVersion {
    /// Such as `v1.35.4`.
    pub git_version: String,
}

/// The API server's own checks.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Readiness {
    /// Names of checks that passed.
    pub passed: Vec<String>,
    /// Names of checks that failed.
    pub failed: Vec<String>,
}

impl Readiness {
    /// Reads the lines of `/readyz?verbose`: `[+]name ok` and `[-]name failed: …`.
    pub fn parse(text: &str) -> Self {
        let name = |line: &str| line[3..].split_whitespace().next().unwrap_or_default().to_owned();
        let with = |mark: &str| text.lines().filter(|line| line.starts_with(mark)).map(name).collect();
        Self {
            passed: with("[+]"),
            failed: with("[-]"),
        }
    }
}
