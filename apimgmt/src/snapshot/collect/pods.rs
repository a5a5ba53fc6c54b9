//! Pods: one list serves the namespace and the whole cluster, and strangers are kept only as what they take.

use super::{Run, list::Listing};
use crate::{
    Error,
    snapshot::{
        Metadata, Pod, PodSpec, Reading, Source, hostile,
        pods::{Container, PodStatus},
    },
};

/// Longest message of a pod or container that is kept.
const MESSAGE: usize = 2 * hostile::LONGEST_LINE;

impl Run {
    /// The readings of [`Source::Pods`] and [`Source::ClusterPods`].
    pub(super) async fn pods(&self) -> Result<(Reading<Vec<Pod>>, Reading<Vec<Pod>>), Error> {
        let own = || async {
            self.api
                .list(&Listing::of(Source::Pods, self.namespace()), |pod| Some(tame(pod)))
                .await
        };
        let everywhere = || async {
            let keep = |pod: Pod| {
                let ours = pod.metadata.namespace == self.namespace();
                Some(if ours { tame(pod) } else { stranger(pod) })
            };
            self.api
                .list(&Listing::of(Source::ClusterPods, self.namespace()), keep)
                .await
        };
        let cluster_pods = self.source(Source::ClusterPods, everywhere()).await?;
        let pods = match &cluster_pods {
            Reading::Read(all) => {
                let ours = all.iter().filter(|pod| pod.metadata.namespace == self.namespace());
                self.source(Source::Pods, async { Ok(ours.cloned().collect()) }).await?
            }
            _ => self.source(Source::Pods, own()).await?,
        };
        Ok((pods, cluster_pods))
    }
}

/// A pod of another namespace: where it is, what it takes, and what keeps others away from it.
fn stranger(pod: Pod) -> Pod {
    let mut metadata = Metadata {
        name: pod.metadata.name,
        namespace: pod.metadata.namespace,
        labels: pod.metadata.labels,
        owner_references: pod.metadata.owner_references,
        deletion_timestamp: pod.metadata.deletion_timestamp,
        ..Metadata::default()
    };
    metadata.owner_references.shrink_to_fit();
    let demand = |containers: Vec<Container>| {
        containers
            .into_iter()
            .map(|container| Container {
                name: container.name,
                resources: container.resources,
                restart_policy: container.restart_policy,
                ports: container.ports.into_iter().filter(|port| port.host_port != 0).collect(),
                ..Container::default()
            })
            .collect()
    };
    Pod {
        metadata,
        spec: PodSpec {
            node_name: pod.spec.node_name,
            containers: demand(pod.spec.containers),
            init_containers: demand(pod.spec.init_containers),
            overhead: pod.spec.overhead,
            priority: pod.spec.priority,
            ..PodSpec::default()
        },
        status: PodStatus {
            phase: pod.status.phase,
            ..PodStatus::default()
        },
    }
}

/// A pod whose messages, which containers write, cannot harm a terminal or fill the memory.
fn tame(mut pod: Pod) -> Pod {
    for message in pod.messages_mut() {
        *message = hostile::capped(message, MESSAGE);
    }
    pod
}
