//! What every change goes through: a plan, a consent, a lease that keeps two operators apart, and a journal.

pub mod api;
mod consent;
#[cfg(test)]
pub(crate) mod fake;
mod interrupt;
mod journal;
mod lease;
mod plan;
mod process;

pub use consent::Consent;
pub use interrupt::Interrupt;
pub use journal::{Entry, Journal, Mark};
pub use lease::Lease;
pub use plan::{Plan, Step};
pub use process::Process;

/// Who works here, for the people that find the lease or read the journal: `alice@laptop, process 4711`.
pub fn operator() -> String {
    let named = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let user = named("USER")
        .or_else(|| named("LOGNAME"))
        .unwrap_or_else(|| "somebody".into());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    format!("{user}@{host}, process {}", std::process::id())
}
