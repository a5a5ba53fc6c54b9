//! What a pod asks for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Affinity, Container, Toleration, TopologySpread, Volume};
use crate::snapshot::{Labels, Quantity, Shared, Text, exact};

/// What a pod asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// Node it is bound to, or that a template names; a pod's own stands in [`super::Pod::node_name`].
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(super) node_name: String,
    /// Its identity towards the API.
    pub service_account_name: String,
    /// Containers.
    #[serde(deserialize_with = "exact")]
    pub containers: Vec<Container>,
    /// Containers that run before; with `restartPolicy: Always` they are sidecars.
    #[serde(deserialize_with = "exact")]
    pub init_containers: Vec<Container>,
    /// Containers that were added to the running pod for debugging.
    pub ephemeral_containers: Vec<Container>,
    /// Volumes.
    #[serde(deserialize_with = "exact")]
    pub volumes: Vec<Volume>,
    /// Labels a node must have.
    pub node_selector: Shared<Labels>,
    /// Taints it bears.
    #[serde(deserialize_with = "exact")]
    pub tolerations: Vec<Toleration>,
    /// Affinity.
    pub affinity: Affinity,
    /// Spreading over nodes and zones.
    pub topology_spread_constraints: Vec<TopologySpread>,
    /// Secrets used to pull images.
    pub image_pull_secrets: Vec<LocalReference>,
    /// Security context of the pod, whole.
    pub security_context: Value,
    /// Mounts a token of its identity, when it says so itself.
    pub automount_service_account_token: Option<bool>,
    /// `false` when its users are not those of the node.
    pub host_users: Option<bool>,
    /// Operating system that it is made for.
    pub os: OperatingSystem,
    /// Uses the node's network.
    pub host_network: bool,
    /// Uses the node's process ids.
    #[serde(rename = "hostPID")]
    pub host_pid: bool,
    /// Uses the node's inter-process communication.
    #[serde(rename = "hostIPC")]
    pub host_ipc: bool,
    /// How names are resolved.
    pub dns_policy: String,
    /// Scheduling priority.
    pub priority: i64,
    /// Grace before a kill, seconds.
    pub termination_grace_period_seconds: Option<i64>,
    /// Resources of the sandbox itself.
    pub overhead: BTreeMap<String, Quantity>,
}

/// The API server gives each pod's volume with its account's token a name of its own, which begins with this.
const TOKEN_VOLUME: &str = "kube-api-access";

impl PodSpec {
    /// Leaves what its siblings have alike: takes out the node that it is bound to, and gives the volume with the token
    /// the name that it has in no pod but that says the same.
    pub(super) fn leave_what_is_its_own(&mut self) -> Text {
        let volumes = self.volumes.iter_mut().map(|volume| &mut volume.name);
        let containers = self.containers.iter_mut().chain(&mut self.init_containers);
        let mounts = containers.chain(&mut self.ephemeral_containers);
        let mounts = mounts.flat_map(|container| &mut container.volume_mounts);
        for name in volumes.chain(mounts.map(|mount| &mut mount.name)) {
            let own = name.strip_prefix(TOKEN_VOLUME).and_then(|rest| rest.strip_prefix('-'));
            if own.is_some_and(|letters| letters.len() == 5) {
                name.truncate(TOKEN_VOLUME.len());
            }
        }
        std::mem::take(&mut self.node_name).as_str().into()
    }

    /// As the cluster writes it for a pod on this node.
    pub(super) fn on(&self, node: &Text) -> Self {
        Self {
            node_name: node.to_string(),
            ..self.clone()
        }
    }
}

/// The operating system of a pod.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct OperatingSystem {
    /// `linux` or `windows`; empty when not told.
    pub name: String,
}

/// A reference by name in the same namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct LocalReference {
    /// Name.
    pub name: String,
}
