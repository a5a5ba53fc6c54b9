//! One file for each verb: arguments to library to exit code, nothing else.

pub(crate) mod attest;
pub(crate) mod completion;
mod follow;
pub(crate) mod items;
pub(crate) mod probe;
pub(crate) mod reference;
pub(crate) mod rollback;
mod snapshot;
pub(crate) mod troubleshoot;
pub(crate) mod verify;
pub(crate) mod waive;

use apimgmt::{Error, checklist::select};

/// The namespace of the document, used when neither a flag nor the context names one.
pub(crate) const NAMESPACE: &str = "integration-api-management";

/// The one item that a whole id names.
fn one_item(id: &str) -> Result<&'static str, Error> {
    match select(&[id.to_owned()])?.as_slice() {
        [item] if item.id == id => Ok(item.id),
        _ => {
            Err(Error::usage(format!("`{id}` names several items"))
                .hint("name one: `kubectl apimgmt items` lists them"))
        }
    }
}
