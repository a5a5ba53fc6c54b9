//! What is expected of the release: the `checklist:` values that its chart stored in the namespace.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Run, list::Listing, trouble::Trouble};
use crate::{
    snapshot::{Metadata, Source, hostile},
    values::Expectations,
};

/// A config map that was made for these tools, read whole.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ToolMap {
    pub(super) metadata: Metadata,
    pub(super) data: BTreeMap<String, String>,
}

impl Run {
    /// The config maps of the namespace that carry a label of ours, by name.
    pub(super) async fn tool_maps(&self, source: Source, label: &str) -> Result<Vec<ToolMap>, Trouble> {
        let listing = Listing::of(source, self.namespace()).labelled(label);
        let mut maps: Vec<ToolMap> = self.api.list(&listing, Some).await?;
        maps.sort_by(|left, right| left.metadata.name.cmp(&right.metadata.name));
        Ok(maps)
    }

    /// Those of `--config`, else those in the cluster, else the defaults.
    pub(super) async fn expectations(&self) -> Result<Expectations, Trouble> {
        if let Some(config) = &self.request.config {
            return Ok(config.clone());
        }
        let maps = self
            .tool_maps(Source::Expectations, "apimgmt.io/checklist=true")
            .await?;
        let Some(map) = maps.first() else {
            return Ok(Expectations::default());
        };
        let name = &map.metadata.name;
        if let [_, second, ..] = maps.as_slice() {
            let second = &second.metadata.name;
            return Err(Trouble::failed(format!(
                "both configmap/{name} and configmap/{second} are labelled as the checklist"
            )));
        }
        let text = map
            .data
            .get("checklist.yaml")
            .ok_or_else(|| Trouble::failed(format!("configmap/{name} has no key `checklist.yaml`")))?;
        serde_yaml::from_str::<Option<Expectations>>(text)
            .map(Option::unwrap_or_default)
            .map_err(|error| Trouble::failed(hostile::line(&format!("`checklist.yaml` of configmap/{name}: {error}"))))
    }
}
