//! Volumes and where they come from.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::snapshot::Quantity;

/// A volume and where it comes from.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Volume {
    /// Name inside the pod.
    pub name: String,
    /// From a secret.
    pub secret: Option<SecretVolume>,
    /// From a config map.
    pub config_map: Option<ConfigMapVolume>,
    /// From several sources.
    pub projected: Option<ProjectedVolume>,
    /// From a claim.
    pub persistent_volume_claim: Option<ClaimVolume>,
    /// From the node.
    pub host_path: Option<Value>,
    /// Made empty for the pod.
    pub empty_dir: Option<EmptyDirectory>,
    /// From fields of the pod itself.
    #[serde(rename = "downwardAPI")]
    pub downward_api: Option<Present>,
    /// From a storage driver.
    pub csi: Option<Present>,
    /// From a claim that is made for the pod.
    pub ephemeral: Option<Present>,
    /// From an image.
    pub image: Option<Present>,
}

/// That something is there, and nothing of what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Present {}

/// A secret as files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct SecretVolume {
    /// Secret.
    pub secret_name: String,
    /// Chosen keys; empty means all.
    pub items: Vec<KeyToPath>,
    /// Whether the pod starts without it.
    pub optional: bool,
}

/// A config map as files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ConfigMapVolume {
    /// Config map.
    pub name: String,
    /// Chosen keys; empty means all.
    pub items: Vec<KeyToPath>,
    /// Whether the pod starts without it.
    pub optional: bool,
}

/// One key that becomes a file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyToPath {
    /// Key.
    pub key: String,
}

/// Several sources in one volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectedVolume {
    /// The sources.
    pub sources: Vec<ProjectedSource>,
}

/// One source of a projected volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectedSource {
    /// A secret, by `name`.
    pub secret: Option<ConfigMapVolume>,
    /// A config map.
    pub config_map: Option<ConfigMapVolume>,
}

/// A claim as a volume.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimVolume {
    /// Claim.
    pub claim_name: String,
}

/// An empty directory.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EmptyDirectory {
    /// `Memory` or empty.
    pub medium: String,
    /// Largest size.
    pub size_limit: Option<Quantity>,
}
