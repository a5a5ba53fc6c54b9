//! What people state and the cluster keeps: attestations, waivers, imported reports of scanners. Each is a small config
//! map of its own in the release's namespace that nobody can change; it is taken back by a newer one. Who may state is
//! who may create config maps there.

pub mod import;
mod store;
mod until;

pub use store::{identity, keep_import, keep_statement};
pub(crate) use until::end_of;
pub use until::until;

use sha2::{Digest, Sha256};

/// Label of config maps that hold an attestation or a waiver.
pub const STATEMENT_LABEL: &str = "apimgmt.io/statement";

/// Label of config maps that hold an imported report.
pub const IMPORT_LABEL: &str = "apimgmt.io/import";

/// The key in both.
pub const KEY: &str = "content.json";

/// SHA-256 of a file, hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;

    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}
