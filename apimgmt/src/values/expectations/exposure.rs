//! What may be reached from outside of the cluster.

use serde::{Deserialize, Serialize};

/// What may be reached from outside; what is not named here must not be.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedExposure {
    /// Services that leave the cluster.
    pub services: Vec<ExposedService>,
    /// Ports that pods may take on their node.
    pub host_ports: Vec<u16>,
}

/// A service that leaves the cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExposedService {
    /// Name.
    pub name: String,
    /// `NodePort` or `LoadBalancer`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Who may reach it; none means everybody.
    pub source_ranges: Vec<String>,
}
