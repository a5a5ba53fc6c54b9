//! A release with everything that the sandbox's first values leave out: what is skipped there must hold here.

use crate::sandbox::{Namespace, text, until};

/// Items whose subject only the second values file declares, and those that it leans on.
const HOLD: &[&str] = &[
    "functional/authentication",
    "functional/files",
    "monitoring/logs",
    "monitoring/apm",
];

#[test]
fn files_and_traces_hold_where_they_are_declared() {
    let place = Namespace::absent("full");
    let (values, full) = (place.values(), place.values_over("target/sandbox/values-full.yaml"));
    place
        .helm_apimgmt("4.3", &["install", "--values", &values, "--values", &full])
        .succeeds();
    // The installation has probed already.
    let mut seen = Vec::new();
    until("what is declared to hold", || {
        let items = place.items(HOLD);
        let now: Vec<_> = items
            .values()
            .map(|item| format!("{}: {}", text(&item["verdict"]), text(&item["detail"])))
            .collect();
        if now != seen {
            apimgmt::report::message(&format!("{} sees {now:?}", place.name));
        }
        seen = now;
        items.values().all(|item| {
            let proven = item["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty());
            item["verdict"] == "pass" && proven
        })
    });
    assert_eq!(seen.len(), HOLD.len());
}
