//! Pods: those of the namespace whole, strangers only as what they take of the nodes.

use super::{
    Run,
    encoded_objects::misfit,
    list::{Encoding, Listing, Object},
    trouble::Trouble,
};
use crate::snapshot::{Pod, Source, hostile, strangers::Stranger};

/// Longest message of a pod or container that is kept.
const MESSAGE: usize = 2 * hostile::LONGEST_LINE;

impl Run {
    /// The pods of the namespace.
    pub(super) async fn pods(&self) -> Result<Vec<Pod>, Trouble> {
        let listing = Listing::of(Source::Pods, self.namespace());
        self.api.list(&listing, |pod| Some(tame(pod))).await
    }

    /// The pods of every other namespace. The server leaves out those of this one, which may be thousands too.
    pub(super) async fn strangers(&self) -> Result<Vec<Stranger>, Trouble> {
        let elsewhere = format!("metadata.namespace!={}", self.namespace());
        let listing = Listing::of(Source::ClusterPods, self.namespace())
            .where_fields(&elsewhere)
            .encoded();
        let keep = |object: Object<'_>| match object.encoding {
            Encoding::Json => serde_json::from_slice(object.bytes)
                .map(Some)
                .map_err(|error| Trouble::misfit(&error)),
            Encoding::Protobuf => Stranger::decode(object.bytes).map(Some).map_err(|error| misfit(&error)),
        };
        self.api.list_bytes(&listing, keep).await
    }
}

/// A pod whose messages, which containers write, cannot harm a terminal or fill the memory.
fn tame(mut pod: Pod) -> Pod {
    for message in pod.messages_mut() {
        *message = hostile::capped(message, MESSAGE);
    }
    pod
}
