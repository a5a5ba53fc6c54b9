//! Every public host resolves to the load balancer.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/dns",
    title: "Every public host resolves to the load balancer",
    stage: Stage::Pre,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "Users follow the name, not the address.",
    fix: "Correct the record of the host that is named.",
    reads: &[],
    judge: pending::judge,
};
