//! Results of active probes, each stored as JSON or YAML in a labelled config map.

use super::{Run, trouble::Trouble};
use crate::snapshot::{Source, hostile, sessions::ProbeResult};

impl Run {
    /// Every key of every labelled config map holds one result. A result that cannot be read is never passed over.
    pub(super) async fn probes(&self) -> Result<Vec<ProbeResult>, Trouble> {
        let maps = self.tool_maps(Source::Probes, "apimgmt.io/probe=true").await?;
        let read = |name: &str, key: &str, text: &str| -> Result<ProbeResult, Trouble> {
            serde_yaml::from_str(text)
                .map_err(|error| Trouble::failed(hostile::line(&format!("`{key}` of configmap/{name}: {error}"))))
        };
        maps.iter()
            .flat_map(|map| map.data.iter().map(|(key, text)| read(&map.metadata.name, key, text)))
            .collect()
    }
}
