//! Protected routes refuse every bad token.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/access-control",
    title: "Protected routes refuse every bad token",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "One open route opens the platform.",
    fix: "Require the token on the route that is named.",
    reads: &[],
    judge: pending::judge,
};
