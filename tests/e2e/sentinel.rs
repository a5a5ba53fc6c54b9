//! Redis under Sentinel: proven, a failover that the application follows, and a loss that the checklist sees.

use serde_json::Value;

use crate::sandbox::{Namespace, text, until};

const ITEM: &str = "cache/high-availability";

#[test]
fn a_failover_is_followed_and_a_loss_is_seen() {
    let place = Namespace::absent("sentinel");
    let (values, over) = (place.values(), place.values_over("tests/e2e/values/sentinel.yaml"));
    place
        .helm_apimgmt("4.3", &["install", "--values", &values, "--values", &over])
        .succeeds();
    passes(&place);
    // One that hangs is missed by most Sentinels; one that is deleted hands over.
    let first = master(&place).expect("it was just told");
    let pause = ["exec", &first, "--", "redis-cli", "client", "pause", "20000", "all"];
    place.kubectl(&pause).succeeds();
    let next = another_than(&first, &place);
    passes(&place);
    place.kubectl(&["delete", "pod", &next]).succeeds();
    another_than(&next, &place);
    // The former masters are back as followers, and the application writes to the new one.
    passes(&place);
    place
        .kubectl(&["rollout", "status", "deployment/api-management", "--timeout=120s"])
        .succeeds();
    place.apimgmt(&["verify", "--active", "functional/cache"]).succeeds();

    place
        .kubectl(&["scale", "statefulset/redis", "--replicas=2"])
        .succeeds();
    until("the loss to be seen", || {
        let row = &place.items(&[])[ITEM];
        row["verdict"] == "fail" && text(&row["detail"]).contains("3 are declared")
    });
    place
        .kubectl(&["scale", "statefulset/redis", "--replicas=3"])
        .succeeds();
    passes(&place);
}

/// Every item of the cache holds that can be seen without a probe.
fn passes(place: &Namespace) {
    until("the cache to hold", || {
        let rows = place.items(&[]);
        [
            ITEM,
            "cache/instance",
            "cache/persistence",
            "cache/memory",
            "cache/access-control",
        ]
        .iter()
        .all(|id| rows[*id]["verdict"] == "pass")
    });
}

/// Waits for the next master.
fn another_than(former: &str, place: &Namespace) -> String {
    let mut now = None;
    until("another master", || {
        now = master(place).filter(|name| name != former);
        now.is_some()
    });
    now.unwrap_or_default()
}

/// The pod that the Sentinels call the master, by what `cache/instance` asked.
fn master(place: &Namespace) -> Option<String> {
    let row = &place.items(&[])["cache/instance"];
    let evidence: &Vec<Value> = row["evidence"].as_array()?;
    let role = evidence.iter().find(|one| one["field"] == "INFO role")?;
    let is_master = role["value"] == "master";
    is_master.then(|| text(&role["object"]).replace("pod/", ""))
}
