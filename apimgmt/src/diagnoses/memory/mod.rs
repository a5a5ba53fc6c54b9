//! Memory: containers that the kernel kills for it, and those that only look so.

mod heap_exceeds_limit;
mod killed_by_liveness;
mod memory_limit_injected;
mod out_of_memory_loop;
mod out_of_memory_recovered;
mod pod_evicted;

pub(super) use heap_exceeds_limit::DIAGNOSIS as HEAP_EXCEEDS_LIMIT;
pub(super) use killed_by_liveness::DIAGNOSIS as KILLED_BY_LIVENESS;
pub(super) use memory_limit_injected::DIAGNOSIS as MEMORY_LIMIT_INJECTED;
pub(super) use out_of_memory_loop::DIAGNOSIS as OUT_OF_MEMORY_LOOP;
pub(super) use out_of_memory_recovered::DIAGNOSIS as OUT_OF_MEMORY_RECOVERED;
pub(super) use pod_evicted::DIAGNOSIS as POD_EVICTED;
