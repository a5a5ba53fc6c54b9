//! Lesser roles are refused what they must not do.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/authorization",
    title: "Lesser roles are refused what they must not do",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "Authentication without authorization is a guest list without doors.",
    fix: "Correct the scope check of the route that is named.",
    reads: &[],
    judge: pending::judge,
};
