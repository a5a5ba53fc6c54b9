//! The public hosts of the release.

use std::collections::BTreeSet;

use super::{Snapshot, Unreadable};
use crate::values::ExpectedHost;

impl Snapshot {
    /// The declared ones, else every host of the ingresses.
    ///
    /// # Errors
    /// When expectations, or ingresses where they are needed, could not be read.
    pub fn public_hosts(&self) -> Result<Vec<ExpectedHost>, Unreadable> {
        let declared = &self.expectations()?.hosts;
        if !declared.is_empty() {
            return Ok(declared.clone());
        }
        let names: BTreeSet<&String> = self
            .ingresses()?
            .iter()
            .flat_map(|ingress| &ingress.spec.rules)
            .map(|rule| &rule.host)
            .filter(|host| !host.is_empty() && !host.starts_with('*'))
            .collect();
        let host = |host: &String| ExpectedHost {
            host: host.clone(),
            ..ExpectedHost::default()
        };
        Ok(names.into_iter().map(host).collect())
    }
}
