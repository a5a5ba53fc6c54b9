//! Redis refuses strangers and dangerous commands.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "cache/access-control",
    title: "Redis refuses strangers and dangerous commands",
    stage: Stage::Pre,
    phase: Phase::Cache,
    severity: Severity::Blocking,
    why: "An open Redis is remote code execution.",
    fix: "Set a password and an ACL: `redis.auth`.",
    reads: &[],
    judge: pending::judge,
};
