//! The load balancer has an address and answers.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/load-balancer",
    title: "The load balancer has an address and answers",
    stage: Stage::Pre,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "Without an address the platform is up and nobody can reach it.",
    fix: "Run `kubectl get ingress` and look at the ingress controller's log.",
    reads: &[],
    judge: pending::judge,
};
