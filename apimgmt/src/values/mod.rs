//! Values of the chart: what is expected of a release, profiles, merging, schema and cross-field rules.

mod expectations;
mod lines;
mod schema;

pub use expectations::*;
pub use lines::Lines;
pub use schema::{Mistake, ValuesFile, mistakes};
