//! Containers stay within their CPU and memory.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "performance/resource-usage",
    title: "Containers stay within their CPU and memory",
    stage: Stage::Post,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A container at its limit is throttled or killed next.",
    fix: "Raise the limit that is named or mend the leak: `kubectl apimgmt troubleshoot memory`.",
    reads: &[],
    judge: pending::judge,
};
