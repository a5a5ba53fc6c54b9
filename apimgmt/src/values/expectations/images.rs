//! What is expected of images.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Span;

/// What is expected of images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct ExpectedImages {
    /// Registries that images may come from, each a host or a host with the beginning of a path; while none is
    /// named, none is known to be allowed.
    pub registries: Vec<String>,
    /// Registries that never let a tag be moved, written in the same way: only there a tag is as good as a digest.
    pub immutable_tags: Vec<String>,
    /// Oldest scan that counts.
    pub maximum_scan_age: Span,
}

impl Default for ExpectedImages {
    fn default() -> Self {
        Self {
            registries: Vec::new(),
            immutable_tags: Vec::new(),
            maximum_scan_age: Span(Duration::from_hours(24 * 30)),
        }
    }
}
