//! Keys are written, read and expire.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/cache",
    title: "Keys are written, read and expire",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A cache that refuses writes slows everything down without an error.",
    fix: "Run `kubectl apimgmt troubleshoot database`.",
    reads: &[],
    judge: pending::judge,
};
