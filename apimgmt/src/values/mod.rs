//! Values of the chart: what is expected of a release, profiles, merging, schema and cross-field rules.

mod expectations;

pub use expectations::*;
