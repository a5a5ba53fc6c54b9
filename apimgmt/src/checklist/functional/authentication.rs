//! Real tokens are accepted, and everything else is refused.
//!
//! The probe result has the values `discovery`, `keys`, `token`, `accepted`, `withoutToken`, `signature`, `claims`,
//! `unsigned`, `audience`, `expired` and, where a browser's flow is declared, `codeFlow`: see [`visitor`].

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, visitor},
    snapshot::{Snapshot, Unreadable},
};

/// The item.
pub const ITEM: Item = Item {
    id: "functional/authentication",
    title: "OAuth 2.0 and OpenID Connect flows work",
    stage: Stage::Post,
    phase: Phase::Ingress,
    severity: Severity::Blocking,
    why: "When the issuer cannot be used nobody gets in, or everybody.",
    fix: "Compare `config.oidc` with the issuer's discovery document.",
    reads: visitor::READS,
    judge,
};

/// Every clause but the browser's flow, which only some declare.
const CLAUSES: &[&str] = &[
    "discovery",
    "keys",
    "token",
    "accepted",
    "withoutToken",
    "signature",
    "claims",
    "unsigned",
    "audience",
    "expired",
];

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(declared) = visitor::declared(&mut row, snapshot, |expected| &expected.authentication) else {
        return Ok(row.verdict(""));
    };
    if declared.issuer.is_empty() {
        row.unseen("`checklist.authentication.issuer` declares no issuer");
        return Ok(row.verdict(""));
    }
    let tried = visitor::tried(&mut row, snapshot, ITEM.id, declared, CLAUSES);
    if let (Some(result), Some(_)) = (tried, &declared.code_flow) {
        visitor::clauses(&mut row, result, &["codeFlow"]);
    }
    Ok(row.verdict(format!("tokens of {} are accepted, and nothing else", declared.issuer)))
}
