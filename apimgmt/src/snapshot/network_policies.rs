//! Network policies: which connections of the namespace's pods are permitted.

use serde::{Deserialize, Serialize};

use super::{LabelSelector, Metadata, Port};

/// A network policy.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkPolicy {
    /// Identity.
    pub metadata: Metadata,
    /// What it permits.
    pub spec: NetworkPolicySpec,
}

/// What a policy permits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NetworkPolicySpec {
    /// The pods that it isolates; empty selects every one.
    pub pod_selector: LabelSelector,
    /// `Ingress`, `Egress`; none means `Ingress`, and `Egress` where a rule for it stands.
    pub policy_types: Vec<String>,
    /// Permitted connections to the pods.
    pub ingress: Vec<IngressPermission>,
    /// Permitted connections from the pods.
    pub egress: Vec<EgressPermission>,
}

/// Permitted connections to pods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IngressPermission {
    /// From whom; none means everybody.
    pub from: Vec<Peer>,
    /// To which ports; none means every one.
    pub ports: Vec<PermittedPort>,
}

/// Permitted connections from pods.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct EgressPermission {
    /// To whom; none means everybody.
    pub to: Vec<Peer>,
    /// To which ports; none means every one.
    pub ports: Vec<PermittedPort>,
}

/// The other end of a connection.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Peer {
    /// Pods; of the policy's own namespace unless namespaces are selected.
    pub pod_selector: Option<LabelSelector>,
    /// Namespaces.
    pub namespace_selector: Option<LabelSelector>,
    /// Addresses.
    pub ip_block: Option<IpBlock>,
}

/// A range of addresses with holes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct IpBlock {
    /// The range, `10.0.0.0/8`.
    pub cidr: String,
    /// The holes.
    pub except: Vec<String>,
}

/// A permitted port.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PermittedPort {
    /// `TCP`, `UDP`, `SCTP`; empty means `TCP`.
    pub protocol: String,
    /// Number, or name of a port of the pod that is connected to; none means every port.
    pub port: Option<Port>,
    /// Last port of a range that begins with the number.
    pub end_port: Option<u16>,
}
