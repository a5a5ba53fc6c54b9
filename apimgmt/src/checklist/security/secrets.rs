//! Every secret exists and holds a real value.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/secrets",
    title: "Every secret exists and holds a real value",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "A missing key stops a pod, and a sample password invites everybody.",
    fix: "Set the key that is named: `kubectl create secret generic NAME --from-literal=KEY=… --dry-run=client -o yaml | kubectl apply -f -`.",
    reads: &[],
    judge: pending::judge,
};
