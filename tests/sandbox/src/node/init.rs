//! `sandbox node-init`: the first process of the node's namespaces.
use anyhow::Result;

use super::{daemons, mounts, network, supervisor};
use crate::site::Site;

/// Sets the namespaces up and runs the node until it is killed.
pub(crate) fn run(site: &Site) -> Result<()> {
    mounts::enter(site)?;
    network::enter()?;
    supervisor::supervise(site, &daemons::all(site))
}
