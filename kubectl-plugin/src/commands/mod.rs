//! One file for each verb: arguments to library to exit code, nothing else.

pub(crate) mod completion;
pub(crate) mod items;
pub(crate) mod probe;
mod snapshot;
pub(crate) mod troubleshoot;
pub(crate) mod verify;
