//! The application as its users and Kubernetes see it: the real binary, a real database, a real cache.
#![expect(
    clippy::unwrap_used,
    reason = "everything here is a test, also what Clippy does not see as one"
)]
mod apis;
mod application;
mod files;
mod gateway;
mod health;
mod illnesses;
mod issuer_double;
mod migrations;
mod sentinel;
mod servers;
mod shutdown;
mod tokens;
mod traces;
