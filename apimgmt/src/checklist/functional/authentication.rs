//! OAuth 2.0 and OpenID Connect flows work.

use crate::checklist::{Item, Phase, Severity, Stage, pending};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/authentication",
    title: "OAuth 2.0 and OpenID Connect flows work",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "When the issuer cannot be used nobody gets in, or everybody.",
    fix: "Compare `config.oidc` with the issuer's discovery document.",
    reads: &[],
    judge: pending::judge,
};
