//! Containers: what they run, with which environment, ports and resources.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{HttpGet, Probe, TcpSocket};
use crate::snapshot::{Literal, Quantity, Shared, exact};

/// A container.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Image as asked for.
    pub image: String,
    /// Replaces the image's entry point; secrets reduced.
    pub command: Vec<Literal>,
    /// Arguments; secrets reduced.
    pub args: Vec<Literal>,
    /// Environment variables.
    #[serde(deserialize_with = "exact")]
    pub env: Vec<EnvironmentVariable>,
    /// Environment taken whole from config maps and secrets.
    pub env_from: Vec<EnvironmentSource>,
    /// Declared ports.
    #[serde(deserialize_with = "exact")]
    pub ports: Vec<ContainerPort>,
    /// Requests and limits.
    pub resources: Resources,
    /// Restarts when it fails.
    pub liveness_probe: Option<Probe>,
    /// Takes it out of its services when it fails.
    pub readiness_probe: Option<Probe>,
    /// Holds the others back until it passes once.
    pub startup_probe: Option<Probe>,
    /// `Always` makes an init container a sidecar.
    pub restart_policy: Option<String>,
    /// What runs after its start and before its end.
    pub lifecycle: Option<Lifecycle>,
    /// Security context of the container, whole.
    pub security_context: Value,
    /// Mounted volumes.
    #[serde(deserialize_with = "exact")]
    pub volume_mounts: Vec<VolumeMount>,
}

/// What runs after a container's start and before its end.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifecycle {
    /// After its start.
    pub post_start: Option<Handler>,
    /// Before its end.
    pub pre_stop: Option<Handler>,
}

/// One step of a lifecycle.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Handler {
    /// HTTP request.
    pub http_get: Option<HttpGet>,
    /// TCP connection.
    pub tcp_socket: Option<TcpSocket>,
}

/// A mounted volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeMount {
    /// Name of the pod's volume.
    pub name: String,
    /// Where it is mounted.
    pub mount_path: String,
}

/// A declared port.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerPort {
    /// Name.
    pub name: String,
    /// Number.
    pub container_port: u16,
    /// Port taken on the node, 0 for none.
    pub host_port: u16,
    /// `TCP`, `UDP`, `SCTP`; empty means `TCP`.
    pub protocol: String,
}

/// An environment variable; a literal value is reduced with its name in view.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentVariable {
    /// Name.
    pub name: String,
    /// Literal value.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<Literal>,
    /// Where the value comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value_from: Option<ValueSource>,
}

impl<'de> Deserialize<'de> for EnvironmentVariable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Written {
            name: String,
            value: Option<String>,
            value_from: Option<ValueSource>,
        }
        let Written {
            name,
            value,
            value_from,
        } = Written::deserialize(deserializer)?;
        let value = value.map(|text| Literal::read(&name, &text));
        Ok(Self {
            name,
            value,
            value_from,
        })
    }
}

/// Where a variable's value comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValueSource {
    /// A key of a secret.
    pub secret_key_ref: Option<KeyReference>,
    /// A key of a config map.
    pub config_map_key_ref: Option<KeyReference>,
}

/// A key of a secret or config map.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyReference {
    /// Object.
    pub name: String,
    /// Key in it.
    pub key: String,
    /// Whether the pod starts without it.
    pub optional: bool,
}

/// Environment taken whole from one object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EnvironmentSource {
    /// A secret.
    pub secret_ref: Option<ObjectReference>,
    /// A config map.
    pub config_map_ref: Option<ObjectReference>,
    /// Put before every name.
    pub prefix: String,
}

/// A whole secret or config map.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectReference {
    /// Object.
    pub name: String,
    /// Whether the pod starts without it.
    pub optional: bool,
}

/// Requests and limits by resource name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// What the scheduler reserves.
    pub requests: Shared<BTreeMap<String, Quantity>>,
    /// What the kernel enforces.
    pub limits: Shared<BTreeMap<String, Quantity>>,
}
