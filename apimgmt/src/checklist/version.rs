//! Windows of supported major versions.

use super::clauses::Clauses;

/// Both ends included.
pub(super) struct Window {
    /// Oldest.
    pub(super) minimum: u32,
    /// Newest.
    pub(super) maximum: u32,
}

impl Window {
    /// Judges the `major` version of `object`, which it writes as `version`.
    pub(super) fn judge(&self, row: &mut Clauses<'_>, object: &str, version: &str, major: Option<u32>) {
        match major {
            Some(major) if (self.minimum..=self.maximum).contains(&major) => {}
            Some(_) => row.breach(format!(
                "{object} runs version {version}, outside of {} to {}",
                self.minimum, self.maximum
            )),
            None => row.unseen(format!("the version `{version}` of {object} cannot be read")),
        }
    }
}
