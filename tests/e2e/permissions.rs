//! Who may read less is told so: never green while blind.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use apimgmt::{
    checklist::ALL,
    snapshot::{Source, collect::closure},
};
use serde_json::Value;

use crate::sandbox::{Namespace, root, run, text, tool, until_none};

/// Items that hold without a source, because something else shows the same.
const DO_WITHOUT: [&str; 1] = ["performance/resource-usage"];

#[test]
fn a_stranger_sees_unknown_with_verb_and_resource_and_nothing_green() {
    let place = Namespace::new("stranger");
    let stranger = ["--as", "stranger"];
    let report = place
        .apimgmt(&[&["verify", "-o", "json"][..], &stranger].concat())
        .ends_with(4)
        .json();
    assert_eq!(report["summary"]["pass"], 0, "{report:#}");
    let cluster = &report["sections"][0]["items"][0];
    assert_eq!(cluster["verdict"], "unknown");
    assert!(
        cluster["missing"]["verb"].is_string() && cluster["missing"]["resource"].is_string(),
        "{cluster:#}"
    );
    let blind = place
        .apimgmt(&[&["troubleshoot", "-o", "json"][..], &stranger].concat())
        .ends_with(4)
        .json();
    assert!(!blind["unreadable"].as_array().expect("a list").is_empty());
}

/// With exactly the role that `items rbac` prints nothing is unknown for want of permission, and what holds for the
/// administrator holds; without one rule just the items that need it are unknown, and name it.
pub(crate) fn exactly_the_printed_role_suffices(place: &Namespace) {
    let auditor = format!("{}-auditor", place.name);
    let manifest = place
        .apimgmt(&["items", "rbac", "--to", &format!("user:{auditor}")])
        .succeeds();
    let manifest = String::from_utf8_lossy(&manifest.output.stdout).into_owned();
    let file = granted(place, &manifest);
    // Readings come and go (a window without traffic): what counts is that both see the same at the same time.
    let mut holding = BTreeSet::new();
    until_none("the auditor sees what the administrator sees", || {
        let seen = place.items(&["--as", &auditor]);
        holding = self::holding(&seen);
        let refused = seen.values().filter(|row| is_refused(row)).map(Value::to_string);
        refused
            .chain(holding.symmetric_difference(&self::holding(&place.items(&[]))).cloned())
            .collect()
    });

    let less = manifest.replacen("\n  - services\n", "\n", 1);
    assert_ne!(less, manifest);
    granted(place, &less);
    let needy: BTreeSet<&str> = ALL
        .iter()
        .filter(|item| closure(&item.reads.iter().copied().collect()).contains(&Source::Services))
        .map(|item| item.id)
        .filter(|id| holding.contains(*id) && !DO_WITHOUT.contains(id))
        .collect();
    until_none("just the items that need Services are unknown, and name them", || {
        let seen = place.items(&["--as", &auditor]);
        let missing = serde_json::json!({"verb": "list", "resource": "services"});
        let as_expected = |id: &String| {
            let row = &seen[id];
            let named = ["verb", "resource"]
                .iter()
                .all(|part| row["missing"][part] == missing[part]);
            if needy.contains(id.as_str()) {
                row["verdict"] == "unknown" && named
            } else {
                row["verdict"] == "pass"
            }
        };
        holding
            .iter()
            .filter(|id| !as_expected(id))
            .map(|id| seen[id].to_string())
            .collect()
    });
    assert!(needy.len() > 3, "{needy:?}");
    revoke(&file);
}

/// Takes the roles away again.
pub(crate) fn revoke(file: &Path) {
    run(tool("kubectl").arg("delete").arg("--filename").arg(file)).succeeds();
}

/// Applies roles, and gives their file.
pub(crate) fn granted(place: &Namespace, manifest: &str) -> PathBuf {
    let file = root().join("target/e2e").join(format!("{}-rbac.yaml", place.name));
    fs::create_dir_all(file.parent().expect("it has one")).expect("target/ can be written");
    fs::write(&file, manifest).expect("target/ can be written");
    // The roles say themselves which namespace they are for.
    run(tool("kubectl").arg("apply").arg("--filename").arg(&file)).succeeds();
    file
}

pub(crate) fn is_refused(row: &Value) -> bool {
    text(&row["detail"]).contains("not permitted")
}

fn holding(rows: &BTreeMap<String, Value>) -> BTreeSet<String> {
    let holding = rows.iter().filter(|(_, row)| row["verdict"] == "pass");
    holding.map(|(id, _)| id.clone()).collect()
}
