//! What a public name resolves to.

use serde::{Deserialize, Serialize};

/// What the resolver of this machine says of a name, aliases followed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Resolution {
    /// Name: a public host, or the name of a load balancer that has no fixed address.
    pub host: String,
    /// Addresses, sorted.
    pub addresses: Vec<String>,
    /// Why there are none.
    pub error: Option<String>,
}
