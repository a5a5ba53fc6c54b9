//! What both plugins share: collect facts from a cluster, judge them purely, show the verdicts, and change
//! the cluster only by a plan that somebody consented to. `ARCHITECTURE.md` draws the rooms.

pub(crate) mod cache;
pub mod checklist;
pub mod connection;
pub(crate) mod database;
pub mod diagnoses;
pub mod edges;
pub mod error;
pub mod operation;
pub mod probe;
pub mod release;
pub mod report;
pub mod rollback;
pub(crate) mod signatures;
pub mod snapshot;
pub mod statement;
pub mod suggestion;
pub mod values;

pub use error::{Error, ExitCode};

/// What an entry point of this library returns: work that awaits the cluster.
///
/// Boxed, so that its code is generated here once, and not in each plugin that awaits it.
pub type Boxed<'a, T> = std::pin::Pin<Box<dyn Future<Output = Result<T, Error>> + 'a>>;
