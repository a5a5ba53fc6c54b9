//! What can go wrong while the parts are made.

/// Why a part could not be had.
#[derive(Debug, thiserror::Error)]
pub enum Error {}
