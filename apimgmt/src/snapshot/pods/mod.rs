//! Pods: the fields that some unit reads. What their specs say stands in files by topic.

mod containers;
mod probes;
mod scheduling;
mod spec;
mod status;
mod volumes;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Metadata, Shared, Text};

pub use containers::{
    Container, ContainerPort, EnvironmentSource, EnvironmentVariable, Handler, KeyReference, Lifecycle,
    ObjectReference, Resources, ValueSource, VolumeMount,
};
pub use probes::{ExecAction, HttpGet, Port, Probe, TcpSocket};
pub use scheduling::{
    Affinity, NodeAffinity, NodeSelectorTerm, NodeSelectorTerms, PodAffinity, PodAffinityTerm, Toleration,
    TopologySpread,
};
pub use spec::{LocalReference, OperatingSystem, PodSpec};
pub use status::{
    Condition, ContainerState, ContainerStatus, FormerState, PodStatus, Running, Terminated, Waiting, condition,
};
pub use volumes::{
    ClaimVolume, ConfigMapVolume, EmptyDirectory, KeyToPath, Present, ProjectedSource, ProjectedVolume, SecretVolume,
    Volume,
};

/// A pod.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pod {
    /// Identity.
    pub metadata: Metadata,
    /// Node it is bound to; empty while it waits for one. All else of what was asked for, its siblings have alike.
    pub node_name: Text,
    /// What was asked for.
    pub spec: Shared<PodSpec>,
    /// What is.
    pub status: PodStatus,
}

impl<'de> Deserialize<'de> for Pod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize, Default)]
        #[serde(default)]
        struct Written {
            metadata: Metadata,
            spec: PodSpec,
            status: PodStatus,
        }
        let Written {
            metadata,
            mut spec,
            mut status,
        } = Written::deserialize(deserializer)?;
        let node_name = spec.leave_what_is_its_own();
        status.forget_what_is_usual();
        Ok(Self {
            metadata,
            node_name,
            spec: spec.into(),
            status,
        })
    }
}

impl Serialize for Pod {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            metadata: &'a Metadata,
            spec: PodSpec,
            status: &'a PodStatus,
        }
        let written = Written {
            metadata: &self.metadata,
            spec: self.spec.on(&self.node_name),
            status: &self.status,
        };
        written.serialize(serializer)
    }
}

/// A template that workloads make pods from.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct PodTemplate {
    /// Labels and annotations of the pods.
    pub metadata: Metadata,
    /// What is asked for.
    pub spec: Shared<PodSpec>,
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

    /// Whether it did its work and ended well. The kubelet says so of readiness a moment before it does of the phase.
    pub fn has_succeeded(&self) -> bool {
        self.status.phase == "Succeeded"
            || condition(&self.status.conditions, "Ready").is_some_and(|ready| ready.reason == "PodCompleted")
    }

    /// Whether an address, as text, is its own.
    pub fn is_at(&self, address: &str) -> bool {
        self.status.pod_ip.is_some() && self.status.pod_ip == address.parse().ok()
    }

    /// Whether it has room on a node: it is bound to one and has not ended.
    pub fn takes_room(&self) -> bool {
        !self.node_name.is_empty() && !self.has_ended()
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
        let of_states = statuses.flat_map(|status| {
            let waiting = status.state.waiting.as_mut().map(|waiting| &mut waiting.message);
            let ends = [&mut status.state.terminated, &mut status.last_state.terminated];
            let ends = ends.into_iter().flatten().map(|terminated| &mut terminated.message);
            waiting.into_iter().chain(ends)
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Pod;

    fn written(name: &str, node: &str, volume: &str) -> Value {
        json!({
            "metadata": {"name": name, "labels": {"app": "a"}},
            "spec": {
                "nodeName": node,
                "containers": [{"name": "c", "image": "i", "volumeMounts": [{"name": volume, "mountPath": "/token"}]}],
                "volumes": [{"name": volume}],
            },
            "status": {"phase": "Running", "conditions": [
                {"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"},
                {"type": "ContainersReady", "status": "False"}, {"type": "Initialized", "status": "True", "message": "said"}]},
        })
    }

    #[test]
    fn siblings_have_one_specification_and_each_its_node() {
        let read = |value: Value| serde_json::from_value::<Pod>(value).unwrap();
        let one = read(written("a-1", "n1", "kube-api-access-x7k2p"));
        let other = read(written("a-2", "n2", "kube-api-access-q4w9z"));
        assert!(one.spec.is_same(&other.spec) && one.metadata.labels.is_same(&other.metadata.labels));
        assert_eq!((one.node_name.as_str(), other.node_name.as_str()), ("n1", "n2"));
        assert_eq!(one.spec.containers[0].volume_mounts[0].name, one.spec.volumes[0].name);
        assert_eq!(
            json!(one)["spec"]["nodeName"],
            "n1",
            "it is written where the cluster writes it"
        );
        assert_eq!(read(json!(one)), one);
    }

    #[test]
    fn only_conditions_that_tell_something_are_kept() {
        let pod: Pod = serde_json::from_value(written("a", "n", "v")).unwrap();
        let kinds: Vec<_> = pod.status.conditions.iter().map(|one| one.kind.as_str()).collect();
        assert_eq!(kinds, ["Ready", "ContainersReady", "Initialized"]);
    }
}
