//! End-to-end on the sandbox: real Helm, real PostgreSQL, real Redis, real faults. Refuses any other cluster.

mod faults;
mod full;
mod interrupted;
mod lifecycle;
mod matrix;
mod mutations;
mod permissions;
mod planned;
mod proven;
mod sandbox;
mod sentinel;
mod statements;
mod stuck;
mod traps;
mod trouble;
