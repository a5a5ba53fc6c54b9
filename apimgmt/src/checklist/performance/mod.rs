//! Performance Validation.

mod auto_scaling;
mod cache_hit_rate;
mod connection_pooling;
mod load;
mod resource_usage;
mod response_time;
mod throughput;

pub use auto_scaling::ITEM as AUTO_SCALING;
pub use cache_hit_rate::ITEM as CACHE_HIT_RATE;
pub use connection_pooling::ITEM as CONNECTION_POOLING;
pub use resource_usage::ITEM as RESOURCE_USAGE;
pub use response_time::ITEM as RESPONSE_TIME;
pub use throughput::ITEM as THROUGHPUT;
