//! Database Preparation: PostgreSQL.

mod backup;
mod database;
mod instance;
mod monitoring;
mod parameters;
mod pooling;
mod restore_proof;
mod tuning;
mod user;

pub use backup::ITEM as BACKUP;
pub use database::ITEM as DATABASE;
pub use instance::ITEM as INSTANCE;
pub use monitoring::ITEM as MONITORING;
pub use pooling::ITEM as POOLING;
pub use tuning::ITEM as TUNING;
pub use user::ITEM as USER;
