//! Items that have no judge yet. They answer unknown, so that the status can never be ready because of them.

use crate::snapshot::{Snapshot, Unreadable};

use super::Verdict;

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
/// The judge of an item that is not implemented yet.
pub(super) fn judge(_: &Snapshot) -> Result<Verdict, Unreadable> {
    Ok(Verdict::unknown("not implemented yet"))
}
