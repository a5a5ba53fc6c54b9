//! Functional Testing.

mod api;
mod authentication;
mod cache;
mod database;
mod files;
mod gateway;
mod health;

pub use api::ITEM as API;
pub use authentication::ITEM as AUTHENTICATION;
pub use cache::ITEM as CACHE;
pub use database::ITEM as DATABASE;
pub use files::ITEM as FILES;
pub use gateway::ITEM as GATEWAY;
pub use health::ITEM as HEALTH;
