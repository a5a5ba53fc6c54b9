//! The sandbox's entry point.
mod parts;
fn main() {}
