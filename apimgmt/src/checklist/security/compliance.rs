//! Every pod meets the restricted standard.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/compliance",
    title: "Every pod meets the restricted standard",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "A privileged pod is a way to the node.",
    fix: "Set the field that is named in the pod's securityContext.",
    reads: &[],
    judge: pending::judge,
};
