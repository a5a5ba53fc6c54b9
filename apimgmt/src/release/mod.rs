//! Helm as a process, its records, and the six phases as gates over one Helm operation.

mod attempt;
mod backup;
mod cause;
mod change;
mod chart;
pub mod check;
mod comeback;
pub mod difference;
pub mod environment;
pub mod flags;
mod helm;
mod hook_logs;
pub mod hooks;
pub mod hopeless;
mod judge;
pub mod manifest;
mod namespace;
pub mod phases;
pub mod rendered;
pub mod rescue;
mod rules;
pub mod scene;
mod served;
pub mod status;
pub mod store;
pub mod uninstall;
pub mod values;
pub mod watch;
mod work;

pub(crate) use attempt::Stage;
pub use cause::Cause;
pub use change::{Change, Options, Outcome, Verb};
pub(crate) use comeback::Comeback;
pub use environment::Environment;
pub use helm::{Helm, Version};
pub use judge::Reader;
