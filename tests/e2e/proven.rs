//! The whole checklist on a fresh release: every item proven, by one who may do just that.

use std::collections::BTreeSet;

use crate::{
    permissions::{granted, is_refused, revoke},
    sandbox::{Namespace, items_of, text, until},
};

/// What the sandbox's values declare not to be there.
const SKIPPED: [&str; 3] = ["cache/high-availability", "functional/files", "monitoring/apm"];

#[test]
fn every_item_is_proven_with_exactly_the_printed_role() {
    let place = Namespace::absent("proven");
    let values = place.values();
    place.helm_apimgmt("4.3", &["install", "--values", &values]).succeeds();
    let user = format!("{}-auditor", place.name);
    let roles = ["items", "rbac", "--active", "--load", "--to", &format!("user:{user}")];
    let manifest = place.apimgmt(&roles).succeeds();
    let roles = granted(&place, &String::from_utf8_lossy(&manifest.output.stdout));
    until("the roles to count", || {
        let one = "infrastructure/cluster";
        place.items(&[one, "--as", &user])[one]["verdict"] == "pass"
    });
    let judged = place.apimgmt(&["verify", "--active", "--load", "-o", "json", "--as", &user]);
    let report = judged.json();
    let refused: Vec<_> = items_of(&report).filter(|row| is_refused(row)).collect();
    assert!(refused.is_empty(), "{refused:#?}");
    // Usages and counters are told after the next scrape.
    let mut open = Vec::new();
    until("every item to be proven", || {
        let report = place.apimgmt(&["verify", "-o", "json"]).json();
        let now: Vec<_> = items_of(&report)
            .filter(|row| !["pass", "skipped"].contains(&text(&row["verdict"]).as_str()))
            .map(|row| format!("{} {}: {}", row["verdict"], row["id"], row["detail"]))
            .collect();
        if now != open {
            apimgmt::report::message(&format!("{} waits for {now:?}", place.name));
        }
        open = now;
        open.is_empty() && report["status"] == "AWAITING SIGN-OFF"
    });
    let report = place.apimgmt(&["verify", "-o", "json"]).ends_with(4).json();
    let skipped: BTreeSet<_> = items_of(&report)
        .filter(|row| row["verdict"] == "skipped")
        .map(|row| text(&row["id"]))
        .collect();
    assert_eq!(skipped, SKIPPED.map(str::to_owned).into());
    revoke(&roles);
}
