//! The storage classes exist and bind in time.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/storage-classes",
    title: "The storage classes exist and bind in time",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "A claim without a class or provisioner leaves the database pending for ever.",
    fix: "Run `kubectl get storageclass` and set `persistence.storageClass` to one that exists.",
    reads: &[],
    judge: pending::judge,
};
