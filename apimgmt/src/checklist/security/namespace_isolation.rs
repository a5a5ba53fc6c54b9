//! The namespace is isolated and bounded.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/namespace-isolation",
    title: "The namespace is isolated and bounded",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "Without limits and Pod Security one bad pod reaches its neighbours.",
    fix: "Label the namespace with `pod-security.kubernetes.io/enforce=restricted` and give it a ResourceQuota and a LimitRange.",
    reads: &[],
    judge: pending::judge,
};
