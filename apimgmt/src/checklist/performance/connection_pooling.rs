//! Pools are neither saturated nor leaking.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/connection-pooling",
    title: "Pools are neither saturated nor leaking",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A leak ends in an outage at its own time.",
    fix: "Look at `database_pool_connections` and the code path that holds connections.",
    reads: &[],
    judge: pending::judge,
};
