//! What a pod and its containers are.

use std::{borrow::Cow, net::IpAddr};

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize, de::Error};

use crate::snapshot::{Text, exact};

/// What a pod is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: Text,
    /// Brief reason, such as `Evicted`.
    pub reason: Text,
    /// Message for a person.
    pub message: String,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// Containers.
    #[serde(deserialize_with = "exact")]
    pub container_statuses: Vec<ContainerStatus>,
    /// Init containers.
    #[serde(deserialize_with = "exact")]
    pub init_container_statuses: Vec<ContainerStatus>,
    /// Address.
    #[serde(rename = "podIP", deserialize_with = "address")]
    pub pod_ip: Option<IpAddr>,
    /// When the kubelet took it.
    pub start_time: Option<Timestamp>,
}

impl PodStatus {
    /// Conditions that hold for every pod that runs, and of which units only read that they do not.
    const USUAL: [&str; 4] = [
        "PodScheduled",
        "PodReadyToStartContainers",
        "Initialized",
        "ContainersReady",
    ];

    /// Drops what says no more than that all is as it should be: thousands of pods say it.
    pub(super) fn forget_what_is_usual(&mut self) {
        self.conditions.retain(|condition| {
            condition.status != "True"
                || !condition.message.is_empty()
                || !Self::USUAL.contains(&condition.kind.as_str())
        });
        self.conditions.shrink_to_fit();
    }
}

/// A condition of any object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: Text,
    /// `True`, `False` or `Unknown`.
    pub status: Text,
    /// Brief reason.
    pub reason: Text,
    /// Message for a person.
    pub message: String,
    /// When it last changed.
    pub last_transition_time: Option<Timestamp>,
}

/// The condition of a type.
pub fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

/// What a container is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Container.
    pub name: Text,
    /// Image it runs.
    pub image: Text,
    /// Image with digest.
    #[serde(rename = "imageID")]
    pub image_id: Text,
    /// Passes its readiness probe.
    pub ready: bool,
    /// Passed its startup probe.
    pub started: Option<bool>,
    /// Times it was started again.
    pub restart_count: i64,
    /// Now.
    pub state: ContainerState,
    /// The run before.
    pub last_state: FormerState,
}

/// One of three states.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Not yet running.
    pub waiting: Option<Box<Waiting>>,
    /// Running.
    pub running: Option<Running>,
    /// Ended.
    pub terminated: Option<Box<Terminated>>,
}

/// The state of a run before: the kubelet keeps none but its end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FormerState {
    /// Ended.
    pub terminated: Option<Box<Terminated>>,
}

/// Why it waits.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Waiting {
    /// Brief reason, such as `CrashLoopBackOff`.
    pub reason: String,
    /// Message for a person.
    pub message: String,
}

/// Since when it runs.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Running {
    /// Start.
    pub started_at: Option<Timestamp>,
}

/// How it ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Terminated {
    /// Exit code.
    pub exit_code: i64,
    /// Signal, 0 for none.
    pub signal: i64,
    /// Brief reason, such as `OOMKilled`.
    pub reason: String,
    /// Message for a person.
    pub message: String,
    /// Start.
    pub started_at: Option<Timestamp>,
    /// End.
    pub finished_at: Option<Timestamp>,
}

/// An address, which recordings of old write as an empty text where there is none.
fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<IpAddr>, D::Error> {
    match Option::<Cow<'_, str>>::deserialize(deserializer)?.as_deref() {
        None | Some("") => Ok(None),
        Some(text) => text.parse().map(Some).map_err(D::Error::custom),
    }
}
