//! Pods and their containers: the fields that some unit reads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{LabelSelector, Labels, Literal, Metadata, Quantity, metadata::Requirement};

/// A pod.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Pod {
    /// Identity.
    pub metadata: Metadata,
    /// What was asked for.
    pub spec: PodSpec,
    /// What is.
    pub status: PodStatus,
}

/// A template that workloads make pods from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodTemplate {
    /// Labels and annotations of the pods.
    pub metadata: Metadata,
    /// What is asked for.
    pub spec: PodSpec,
}

/// What a pod asks for.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodSpec {
    /// Node it is bound to.
    pub node_name: String,
    /// Its identity towards the API.
    pub service_account_name: String,
    /// Containers.
    pub containers: Vec<Container>,
    /// Containers that run before; with `restartPolicy: Always` they are sidecars.
    pub init_containers: Vec<Container>,
    /// Containers that were added to the running pod for debugging.
    pub ephemeral_containers: Vec<Container>,
    /// Volumes.
    pub volumes: Vec<Volume>,
    /// Labels a node must have.
    pub node_selector: Labels,
    /// Taints it bears.
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

/// The operating system of a pod.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct OperatingSystem {
    /// `linux` or `windows`; empty when not told.
    pub name: String,
}

/// A reference by name in the same namespace.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LocalReference {
    /// Name.
    pub name: String,
}

/// A container.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
    pub env: Vec<EnvironmentVariable>,
    /// Environment taken whole from config maps and secrets.
    pub env_from: Vec<EnvironmentSource>,
    /// Declared ports.
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
    pub volume_mounts: Vec<VolumeMount>,
}

/// What runs after a container's start and before its end.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifecycle {
    /// After its start.
    pub post_start: Option<Handler>,
    /// Before its end.
    pub pre_stop: Option<Handler>,
}

/// One step of a lifecycle.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Handler {
    /// HTTP request.
    pub http_get: Option<HttpGet>,
    /// TCP connection.
    pub tcp_socket: Option<TcpSocket>,
}

/// A mounted volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct VolumeMount {
    /// Name of the pod's volume.
    pub name: String,
    /// Where it is mounted.
    pub mount_path: String,
}

/// A declared port.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ValueSource {
    /// A key of a secret.
    pub secret_key_ref: Option<KeyReference>,
    /// A key of a config map.
    pub config_map_key_ref: Option<KeyReference>,
}

/// A key of a secret or config map.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ObjectReference {
    /// Object.
    pub name: String,
    /// Whether the pod starts without it.
    pub optional: bool,
}

/// Requests and limits by resource name.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Resources {
    /// What the scheduler reserves.
    pub requests: BTreeMap<String, Quantity>,
    /// What the kernel enforces.
    pub limits: BTreeMap<String, Quantity>,
}

/// A probe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Probe {
    /// HTTP request.
    pub http_get: Option<HttpGet>,
    /// TCP connection.
    pub tcp_socket: Option<TcpSocket>,
    /// A command inside the container.
    pub exec: Option<ExecAction>,
    /// Seconds before the first try.
    pub initial_delay_seconds: i64,
    /// Seconds between tries.
    pub period_seconds: i64,
    /// Seconds one try may take.
    pub timeout_seconds: i64,
    /// Failures in a row that count.
    pub failure_threshold: i64,
}

impl Default for Probe {
    /// The API's own defaults.
    fn default() -> Self {
        Self {
            http_get: None,
            tcp_socket: None,
            exec: None,
            initial_delay_seconds: 0,
            period_seconds: 10,
            timeout_seconds: 1,
            failure_threshold: 3,
        }
    }
}

/// The request of an HTTP probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HttpGet {
    /// Host; empty for the pod itself.
    pub host: String,
    /// Path.
    pub path: String,
    /// Port by number or name.
    pub port: Port,
    /// `HTTP` or `HTTPS`.
    pub scheme: String,
}

/// The port of a TCP probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpSocket {
    /// Host; empty for the pod itself.
    pub host: String,
    /// Port by number or name.
    pub port: Port,
}

/// The command of an exec probe.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ExecAction {
    /// Command line; secrets reduced.
    pub command: Vec<Literal>,
}

/// A port by number or by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Port {
    /// Number.
    Number(u16),
    /// Name of a container port.
    Name(String),
}

impl Default for Port {
    fn default() -> Self {
        Self::Number(0)
    }
}

impl std::fmt::Display for Port {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Name(name) => formatter.write_str(name),
        }
    }
}

/// A volume and where it comes from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Present {}

/// A secret as files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyToPath {
    /// Key.
    pub key: String,
}

/// Several sources in one volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectedVolume {
    /// The sources.
    pub sources: Vec<ProjectedSource>,
}

/// One source of a projected volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectedSource {
    /// A secret, by `name`.
    pub secret: Option<ConfigMapVolume>,
    /// A config map.
    pub config_map: Option<ConfigMapVolume>,
}

/// A claim as a volume.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ClaimVolume {
    /// Claim.
    pub claim_name: String,
}

/// An empty directory.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct EmptyDirectory {
    /// `Memory` or empty.
    pub medium: String,
    /// Largest size.
    pub size_limit: Option<Quantity>,
}

/// A toleration of a taint.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeAffinity {
    /// What must hold.
    pub required_during_scheduling_ignored_during_execution: NodeSelectorTerms,
}

/// Alternatives of node requirements.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSelectorTerms {
    /// One of them must hold.
    pub node_selector_terms: Vec<NodeSelectorTerm>,
}

/// Requirements that hold together.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct NodeSelectorTerm {
    /// On labels.
    pub match_expressions: Vec<Requirement>,
}

/// Pod affinity or anti-affinity.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodAffinity {
    /// What must hold.
    pub required_during_scheduling_ignored_during_execution: Vec<PodAffinityTerm>,
}

/// One pod affinity rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodAffinityTerm {
    /// Which pods.
    pub label_selector: LabelSelector,
    /// Node label that makes a place.
    pub topology_key: String,
}

/// Spreading of pods over places.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
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

/// What a pod is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodStatus {
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: String,
    /// Brief reason, such as `Evicted`.
    pub reason: String,
    /// Message for a person.
    pub message: String,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// Containers.
    pub container_statuses: Vec<ContainerStatus>,
    /// Init containers.
    pub init_container_statuses: Vec<ContainerStatus>,
    /// Address.
    #[serde(rename = "podIP")]
    pub pod_ip: String,
    /// When the kubelet took it.
    pub start_time: Option<Timestamp>,
}

/// A condition of any object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Condition {
    /// What it is about.
    #[serde(rename = "type")]
    pub kind: String,
    /// `True`, `False` or `Unknown`.
    pub status: String,
    /// Brief reason.
    pub reason: String,
    /// Message for a person.
    pub message: String,
    /// When it last changed.
    pub last_transition_time: Option<Timestamp>,
}

/// What a container is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ContainerStatus {
    /// Container.
    pub name: String,
    /// Image it runs.
    pub image: String,
    /// Image with digest.
    #[serde(rename = "imageID")]
    pub image_id: String,
    /// Passes its readiness probe.
    pub ready: bool,
    /// Passed its startup probe.
    pub started: Option<bool>,
    /// Times it was started again.
    pub restart_count: i64,
    /// Now.
    pub state: ContainerState,
    /// The run before.
    pub last_state: ContainerState,
}

/// One of three states.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    /// Not yet running.
    pub waiting: Option<Waiting>,
    /// Running.
    pub running: Option<Running>,
    /// Ended.
    pub terminated: Option<Terminated>,
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

/// The condition of a type.
pub fn condition<'a>(conditions: &'a [Condition], kind: &str) -> Option<&'a Condition> {
    conditions.iter().find(|condition| condition.kind == kind)
}

impl Pod {
    /// Whether its `Ready` condition is true and it is not being deleted.
    pub fn is_ready(&self) -> bool {
        self.metadata.deletion_timestamp.is_none()
            && condition(&self.status.conditions, "Ready").is_some_and(|ready| ready.status == "True")
    }

    /// Whether it ran to its end, well or not.
    pub fn has_ended(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }

    /// Statuses of init containers and containers, in order.
    pub fn statuses(&self) -> impl Iterator<Item = &ContainerStatus> {
        self.status
            .init_container_statuses
            .iter()
            .chain(&self.status.container_statuses)
    }

    /// The container of a name, init or not.
    pub fn container(&self, name: &str) -> Option<&Container> {
        self.spec
            .init_containers
            .iter()
            .chain(&self.spec.containers)
            .find(|container| container.name == name)
    }

    /// Messages about the pod and its containers, some of which the containers wrote.
    pub(crate) fn messages_mut(&mut self) -> impl Iterator<Item = &mut String> {
        let statuses = self
            .status
            .init_container_statuses
            .iter_mut()
            .chain(&mut self.status.container_statuses);
        let states = statuses.flat_map(|status| [&mut status.state, &mut status.last_state]);
        let of_states = states.flat_map(|state| {
            let waiting = state.waiting.as_mut().map(|waiting| &mut waiting.message);
            waiting
                .into_iter()
                .chain(state.terminated.as_mut().map(|terminated| &mut terminated.message))
        });
        let of_conditions = self
            .status
            .conditions
            .iter_mut()
            .map(|condition| &mut condition.message);
        std::iter::once(&mut self.status.message)
            .chain(of_states)
            .chain(of_conditions)
    }

    /// `pod/NAME`, as findings and evidence name it.
    pub fn object(&self) -> String {
        format!("pod/{}", self.metadata.name)
    }
}
