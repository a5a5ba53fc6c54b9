//! The core calls of the API, in the order in which they are declared.

use std::collections::BTreeMap;

use super::{Outcome, Steps, Visit, calls::make};

/// Makes them all: those that take away what others made come last and must be reached.
pub(super) async fn probe(visit: &Visit) -> Steps {
    let mut steps = Steps::default();
    let mut captured = BTreeMap::new();
    let mut outcomes = Vec::new();
    for call in &visit.errand.api.calls {
        outcomes.push(make(visit, call, &mut captured).await.outcome);
    }
    let held = outcomes.iter().filter(|outcome| **outcome == Outcome::Held).count();
    steps.note("held", format!("{held} of {}", outcomes.len()));
    steps.outcome("calls", Outcome::all(outcomes));
    steps
}
