//! One file for each verb: arguments to library to exit code, nothing else.

pub(crate) mod completion;
pub(crate) mod items;
pub(crate) mod probe;
pub(crate) mod reference;
pub(crate) mod rollback;
mod snapshot;
pub(crate) mod troubleshoot;
pub(crate) mod verify;

/// The namespace of the document, used when neither a flag nor the context names one.
const NAMESPACE: &str = "integration-api-management";
