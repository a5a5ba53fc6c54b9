//! HTTPS is trusted, modern and enforced.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "security/https",
    title: "HTTPS is trusted, modern and enforced",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "A client that can be talked down to plain text is not protected.",
    fix: "Correct the certificate or the ingress setting that is named.",
    reads: &[],
    judge: pending::judge,
};
