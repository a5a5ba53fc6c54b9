//! Monitoring Validation.

mod alerts;
mod apm;
mod dashboards;
mod logs;
mod metrics;
mod synthetic;

pub use alerts::ITEM as ALERTS;
pub use apm::ITEM as APM;
pub use dashboards::ITEM as DASHBOARDS;
pub use logs::ITEM as LOGS;
pub use metrics::ITEM as METRICS;
pub use synthetic::ITEM as SYNTHETIC;
