//! Memory: containers that the kernel kills for it, and those that only look so.

mod killed_by_liveness;
mod out_of_memory_loop;
mod out_of_memory_recovered;

pub(super) use killed_by_liveness::DIAGNOSIS as KILLED_BY_LIVENESS;
pub(super) use out_of_memory_loop::DIAGNOSIS as OUT_OF_MEMORY_LOOP;
pub(super) use out_of_memory_recovered::DIAGNOSIS as OUT_OF_MEMORY_RECOVERED;
