//! Cache Preparation: Redis.

mod access_control;
mod high_availability;
mod instance;
mod memory;
mod monitoring;
mod persistence;

pub use access_control::ITEM as ACCESS_CONTROL;
pub use high_availability::ITEM as HIGH_AVAILABILITY;
pub use instance::ITEM as INSTANCE;
pub use memory::ITEM as MEMORY;
pub use monitoring::ITEM as MONITORING;
pub use persistence::ITEM as PERSISTENCE;
