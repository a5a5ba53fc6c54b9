//! Traffic is denied by default and opened by need.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/network-policies",
    title: "Traffic is denied by default and opened by need",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "Without policies any pod of the cluster reaches the database.",
    fix: "Apply the chart's NetworkPolicies: `networkPolicy.enabled=true`.",
    reads: &[],
    judge: pending::judge,
};
