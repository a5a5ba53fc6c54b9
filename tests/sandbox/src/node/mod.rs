//! The node: a set of namespaces whose first process is `sandbox node-init`, and everything that process starts.
pub(crate) mod configuration;
pub(crate) mod control_plane;
pub(crate) mod daemons;
pub(crate) mod init;
pub(crate) mod lifetime;
mod mounts;
mod network;
mod supervisor;
