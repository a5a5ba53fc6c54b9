//! Pods: one list serves the namespace and the whole cluster, and strangers are kept only as what they take.

use super::{Run, list::Listing, strangers::Stranger};
use crate::{
    Error,
    snapshot::{Pod, Reading, Source, hostile},
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
            let keep = |object: &[u8]| {
                let stranger: Stranger = serde_json::from_slice(object)?;
                if stranger.is_of(self.namespace()) {
                    return serde_json::from_slice(object).map(|pod| Some(tame(pod)));
                }
                Ok(Some(stranger.into()))
            };
            self.api
                .list_bytes(&Listing::of(Source::ClusterPods, self.namespace()), keep)
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

/// A pod whose messages, which containers write, cannot harm a terminal or fill the memory.
fn tame(mut pod: Pod) -> Pod {
    for message in pod.messages_mut() {
        *message = hostile::capped(message, MESSAGE);
    }
    pod
}
