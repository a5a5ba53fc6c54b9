//! Redis has a memory limit with room to fork.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/memory",
    title: "Redis has a memory limit with room to fork",
    stage: Stage::Pre,
    phase: Phase::Cache,
    severity: Severity::Blocking,
    why: "Without one the kernel kills Redis during a save.",
    fix: "Set `redis.maxMemory` below three quarters of the container's limit.",
    reads: &[],
    judge: pending::judge,
};
