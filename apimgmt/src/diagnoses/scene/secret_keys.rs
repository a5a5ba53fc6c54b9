//! The keys of secrets that pods take into their environment.

use std::collections::BTreeMap;

use super::Scene;
use crate::snapshot::{Pod, Unreadable};

impl<'a> Scene<'a> {
    /// Each key with the current pods that take it, by secret and key.
    pub(crate) fn secret_keys(&self) -> Result<BTreeMap<(&'a str, &'a str), Vec<&'a Pod>>, Unreadable> {
        let mut used: BTreeMap<(&str, &str), Vec<&Pod>> = BTreeMap::new();
        for pod in self.current()?.iter().copied() {
            for container in pod.spec.containers.iter().chain(&pod.spec.init_containers) {
                let sources = container.env.iter();
                let keys = sources.filter_map(|variable| variable.value_from.as_ref()?.secret_key_ref.as_ref());
                for key in keys {
                    used.entry((&key.name, &key.key)).or_default().push(pod);
                }
            }
        }
        Ok(used)
    }
}
