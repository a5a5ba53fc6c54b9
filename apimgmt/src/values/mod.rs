//! Values of the chart: what is expected of a release, profiles, merging, schema and cross-field rules.

mod expectations;
mod lines;
mod origins;
mod profile;
pub mod rules;
mod schema;

pub use expectations::*;
pub use lines::Lines;
pub use origins::Origins;
pub use profile::{Profile, Variables};
pub use schema::{Mistake, ValuesFile, mistakes};
