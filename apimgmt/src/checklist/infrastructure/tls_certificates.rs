//! Certificates are valid, complete and renewed.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/tls-certificates",
    title: "Certificates are valid, complete and renewed",
    stage: Stage::Pre,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "An expired or wrong certificate shuts out every client at once.",
    fix: "Renew the certificate that is named: `kubectl apimgmt troubleshoot tls`.",
    reads: &[],
    judge: pending::judge,
};
