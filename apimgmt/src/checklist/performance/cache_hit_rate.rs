//! The cache answers nine of ten reads.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/cache-hit-rate",
    title: "The cache answers nine of ten reads",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Advisory,
    why: "Below that the database does the cache's work.",
    fix: "Look at keys without a time to live and at `redis.maxMemory`.",
    reads: &[],
    judge: pending::judge,
};
