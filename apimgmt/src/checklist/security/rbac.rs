//! Service accounts have what they need and no more.
//!
//! Needs are declared in `checklist.permissions`; whether they are met is the authorizer's own answer, and what is given
//! beyond them is told by the bindings and their roles.

use std::collections::{BTreeMap, BTreeSet};

use super::grants::{Grants, is_wildcard};
use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{AccessReview, Question},
    },
    values::Permission,
};

/// The item.
pub const ITEM: Item = Item {
    id: "security/rbac",
    title: "Service accounts have what they need and no more",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "A stolen token is worth exactly what its account may do.",
    fix: "Bind a Role with the verbs that are named, and remove the others.",
    reads: &[
        Source::Pods,
        Source::Deployments,
        Source::StatefulSets,
        Source::DaemonSets,
        Source::Jobs,
        Source::CronJobs,
        Source::ServiceAccounts,
        Source::Roles,
        Source::RoleBindings,
        Source::ClusterRoles,
        Source::ClusterRoleBindings,
        Source::AccessReviews,
        Source::Expectations,
    ],
    judge,
};

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let used = row.read(snapshot.own_accounts()).unwrap_or_default();
    let existing = row.read(snapshot.service_accounts());
    let needs = row.read(snapshot.expectations()).map(|expected| &expected.permissions);
    let existing: Option<BTreeSet<&str>> =
        existing.map(|accounts| accounts.iter().map(|account| account.metadata.name.as_str()).collect());
    identities(&mut row, &used, existing.as_ref());
    let grants = Grants::of(&mut row, snapshot);
    let reviews = row.read(snapshot.access_reviews());
    let (Some(needs), Some(existing)) = (needs, existing) else {
        return Ok(row.verdict(""));
    };
    if let Some(grants) = grants {
        let accounts: BTreeSet<&str> = existing.into_iter().chain(used.keys().copied()).collect();
        for account in accounts {
            let needs = needs.get(account).map(Vec::as_slice).unwrap_or_default();
            granted(&mut row, snapshot, &grants, account, needs);
        }
    }
    if let Some(reviews) = reviews {
        for account in used.keys() {
            unlimited(&mut row, account, reviews);
        }
        for (account, needs) in needs {
            permitted(&mut row, snapshot, account, needs, reviews);
        }
    }
    let held = format!(
        "{} of the release have what is declared and no more",
        counted(used.len(), "account")
    );
    Ok(row.verdict(held))
}

/// Every pod runs as an account of its own that exists.
fn identities(row: &mut Clauses<'_>, used: &BTreeMap<&str, String>, existing: Option<&BTreeSet<&str>>) {
    for (account, by) in used {
        row.stable(Source::Pods, by, "spec.serviceAccountName", account);
        if *account == "default" {
            row.breach(format!("{by} runs as serviceaccount/default"));
        } else if existing.is_some_and(|existing| !existing.contains(account)) {
            row.breach(format!("{by} runs as serviceaccount/{account}, which does not exist"));
        }
    }
}

/// What the bindings give to an account: roles that exist, no wildcards, nothing beyond the needs.
fn granted(row: &mut Clauses<'_>, snapshot: &Snapshot, grants: &Grants<'_>, account: &str, needs: &[Permission]) {
    let grants = grants.to(account);
    let names: Vec<_> = grants.iter().map(|grant| grant.binding.as_str()).collect();
    let names = if names.is_empty() {
        "none".into()
    } else {
        names.join(", ")
    };
    row.stable(
        Source::RoleBindings,
        format!("serviceaccount/{account}"),
        "bindings",
        names,
    );
    for grant in grants {
        let (binding, role, place) = (&grant.binding, &grant.role, grant.place());
        if role == "clusterrole/cluster-admin" {
            row.breach(format!(
                "serviceaccount/{account} is cluster-admin {place} by {binding}"
            ));
            continue;
        }
        let Some(rules) = grant.rules else {
            row.breach(format!(
                "{binding} gives serviceaccount/{account} {role}, which does not exist"
            ));
            continue;
        };
        let mut excess = BTreeSet::new();
        for rule in rules {
            if is_wildcard(rule) {
                let resources = [rule.resources.as_slice(), &rule.non_resource_urls].concat().join(",");
                let verbs = rule.verbs.join(",");
                row.breach(format!(
                    "serviceaccount/{account} may {verbs} {resources} {place} by {role}: a wildcard"
                ));
            } else {
                excess.extend(grant.excess(rule, needs, &snapshot.namespace));
            }
        }
        if !excess.is_empty() {
            let excess: Vec<_> = excess.into_iter().collect();
            row.breach(format!(
                "serviceaccount/{account} may {} {place} by {role}, and nothing declares that it needs to",
                excess.join(", ")
            ));
        }
    }
}

fn answer<'a>(reviews: &'a [AccessReview], question: &Question) -> Option<&'a AccessReview> {
    reviews.iter().find(|review| review.question == *question)
}

/// Other authorizers than RBAC may give more than bindings show.
fn unlimited(row: &mut Clauses<'_>, account: &str, reviews: &[AccessReview]) {
    let object = format!("serviceaccount/{account}");
    match answer(reviews, &Question::everything(account)) {
        None => row.unseen(format!(
            "the authorizer was not asked whether {object} may do everything"
        )),
        Some(review) => {
            row.stable(Source::AccessReviews, &object, "may do everything", review.allowed);
            if review.allowed {
                row.breach(format!("{object} may do everything: {}", review.reason));
            }
        }
    }
}

/// Every declared need is permitted.
fn permitted(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    account: &str,
    needs: &[Permission],
    reviews: &[AccessReview],
) {
    let object = format!("serviceaccount/{account}");
    for question in needs
        .iter()
        .flat_map(|need| need.questions(account, &snapshot.namespace))
    {
        match answer(reviews, &question) {
            None => row.unseen(format!("the authorizer was not asked whether {object} may {question}")),
            Some(review) => {
                row.stable(
                    Source::AccessReviews,
                    &object,
                    &format!("may {question}"),
                    review.allowed,
                );
                if !review.allowed {
                    row.breach(format!("{object} may not {question}, and needs to"));
                }
            }
        }
    }
}
