//! Routing, limits and headers act.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/gateway",
    title: "Routing, limits and headers act",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "A gateway that routes wrongly serves the wrong tenant.",
    fix: "Compare the route that is named with `config.backendRoutes`.",
    reads: &[],
    judge: pending::judge,
};
