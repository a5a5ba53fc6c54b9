//! Services and the way to what stands behind them.

mod dependency_host_unknown;
mod dependency_refused;
mod service_selects_nothing;

pub(super) use dependency_host_unknown::DIAGNOSIS as DEPENDENCY_HOST_UNKNOWN;
pub(super) use dependency_refused::DIAGNOSIS as DEPENDENCY_REFUSED;
pub(super) use service_selects_nothing::DIAGNOSIS as SERVICE_SELECTS_NOTHING;
