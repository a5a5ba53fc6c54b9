//! The life of a release, once by the oldest and once by the newest Helm: install, verify, a failing upgrade, the ways
//! back, and the end.

use serde_json::Value;

use crate::{
    permissions::exactly_the_printed_role_suffices,
    sandbox::{Namespace, RELEASE, items_of, steady, text, until},
};

/// Items that hold on a fresh release of the sandbox.
const HOLD: &[&str] = &[
    "infrastructure/cluster",
    "infrastructure/node-capacity",
    "infrastructure/storage-classes",
    "infrastructure/tls-certificates",
    "security/namespace-isolation",
    "security/secrets",
    "database/instance",
    "database/database",
    "cache/instance",
    "functional/health",
    "functional/database",
    "functional/cache",
    "security/https",
    "performance/resource-usage",
    "monitoring/metrics",
];

#[test]
fn a_release_lives_and_ends_by_helm_3_17() {
    live("3.17");
}

#[test]
fn a_release_lives_and_ends_by_helm_4_3() {
    live("4.3");
}

fn live(helm: &str) {
    let place = Namespace::absent(&format!("helm-{}", helm.replace('.', "-")));
    let values = place.values();
    place.helm_apimgmt(helm, &["install", "--values", &values]).succeeds();
    holds(&place);
    exactly_the_printed_role_suffices(&place);
    redis_is_the_one_cause(&place);
    upgrade_to_an_absent_image_returns(&place, helm, &values);
    both_ways_back(&place, helm, &values);
    ends(&place, helm);
}

fn holds(place: &Namespace) {
    // A usage is known after the second scrape, and a busy machine answers late: what holds may take a moment to show.
    let mut open = Vec::new();
    let mut items = Vec::<Value>::new();
    until("every item to hold", || {
        let ran = place.apimgmt(&["verify", "-o", "json"]);
        let report = ran.json();
        items = items_of(&report).cloned().collect::<Vec<_>>();
        assert_eq!(items.len(), 52);
        let now: Vec<_> = items
            .iter()
            .filter(|item| item["verdict"] != "pass" && HOLD.contains(&text(&item["id"]).as_str()))
            .map(|item| format!("{} {}: {}", item["verdict"], item["id"], item["detail"]))
            .collect();
        if now != open && !now.is_empty() {
            apimgmt::report::message(&format!("{} waits for {now:?}", place.name));
        }
        open = now;
        let told = (ran.code(), text(&report["status"]));
        // What rests on traffic, and then the signatures, keep it from being ready.
        let nothing_failed = told.0 == 4 && ["CANNOT TELL", "AWAITING SIGN-OFF"].contains(&told.1.as_str());
        open.is_empty() && nothing_failed
    });
    for item in &items {
        let proven = item["evidence"].as_array().is_some_and(|evidence| !evidence.is_empty());
        assert!(
            item["verdict"] != "pass" || proven,
            "{} passes without evidence",
            item["id"]
        );
    }
    place.apimgmt(&["troubleshoot"]).succeeds();
}

fn redis_is_the_one_cause(place: &Namespace) {
    let before = steady(place.verdicts(&[]));
    place
        .kubectl(&["scale", "statefulset/redis", "--replicas=0"])
        .succeeds();
    until("Redis to be gone and missed", || {
        place
            .verdicts(&["cache/instance", "functional/health"])
            .values()
            .all(|verdict| verdict == "fail")
    });
    let after = steady(place.verdicts(&[]));
    let turned: Vec<_> = before
        .iter()
        .filter(|(id, verdict)| &after[*id] != *verdict)
        .map(|(id, _)| id.as_str())
        .collect();
    // Without a ready pod the application answers nobody; what its exporter and its own pods told is not known any more.
    let dependants = [
        "cache/instance",
        "cache/memory",
        "cache/persistence",
        "cache/access-control",
        "cache/monitoring",
        "functional/health",
        "functional/api",
        "functional/gateway",
        "functional/authentication",
        "functional/cache",
        "security/images",
        "security/https",
        "security/access-control",
        "security/authorization",
        "monitoring/metrics",
        "monitoring/synthetic",
    ];
    assert!(turned.contains(&"cache/instance"), "{turned:?}");
    assert!(turned.iter().all(|id| dependants.contains(id)), "{turned:?}");
    let findings = place.findings();
    assert_eq!(findings.len(), 1, "{findings:?}");
    assert_eq!(findings[0].1, "statefulset/redis");
    place
        .kubectl(&["scale", "statefulset/redis", "--replicas=1"])
        .succeeds();
    until("everything to hold again", || steady(place.verdicts(&[])) == before);
}

fn upgrade_to_an_absent_image_returns(place: &Namespace, helm: &str, values: &str) {
    let absent = [
        "upgrade",
        "--values",
        values,
        "--set",
        "application.image.digest=",
        "--set",
        "application.image.tag=9.9.9",
    ];
    place.helm_apimgmt(helm, &absent).ends_with(5).says("9.9.9");
    let history = place
        .helm(helm, &["history", RELEASE, "--output", "json"])
        .succeeds()
        .json();
    let states: Vec<_> = history
        .as_array()
        .expect("revisions")
        .iter()
        .map(|revision| text(&revision["status"]))
        .collect();
    assert_eq!(
        states,
        ["superseded", "failed", "deployed"],
        "helm history tells the truth"
    );
    holds(place);
}

fn both_ways_back(place: &Namespace, helm: &str, values: &str) {
    place
        .helm_apimgmt(
            helm,
            &[
                "upgrade",
                "--values",
                values,
                "--set",
                "application.config.LOG_LEVEL=debug",
            ],
        )
        .succeeds();
    let level = || {
        let ran = place.kubectl(&[
            "get",
            "configmap",
            "api-management-config",
            "--output",
            "jsonpath={.data.LOG_LEVEL}",
        ]);
        String::from_utf8_lossy(&ran.output.stdout).into_owned()
    };
    assert_eq!(level(), "debug");
    place
        .apimgmt(&["rollback", "release", "--plan"])
        .succeeds()
        .says("from revision 4 to 3");
    assert_eq!(level(), "debug", "a plan changes nothing");
    place.apimgmt(&["rollback", "release", "--yes"]).succeeds();
    assert_ne!(level(), "debug");
    holds(place);

    let image = [
        "set",
        "image",
        "deployment/api-management",
        "*=registry.sandbox.test:5000/api-management:absent",
    ];
    place.kubectl(&image).succeeds();
    until("the absent image to be named", || {
        place
            .findings()
            .first()
            .is_some_and(|finding| finding.0.contains("image"))
    });
    place.apimgmt(&["rollback", "deployment", "--yes"]).succeeds();
    holds(place);
}

fn ends(place: &Namespace, helm: &str) {
    place
        .helm_apimgmt(helm, &["uninstall", "--yes"])
        .succeeds()
        .says("data-postgres-0")
        .says("api-management-secret");
    let kept = place
        .kubectl(&["get", "persistentvolumeclaims", "--output", "name"])
        .succeeds()
        .text();
    assert!(kept.contains("postgres-0"), "what holds data is kept: {kept}");
    place
        .helm_apimgmt(helm, &["uninstall", "--delete-data", "--yes", "--confirm", RELEASE])
        .succeeds();
    until("nothing to be left", || {
        !place
            .kubectl(&["get", "namespace", &place.name])
            .output
            .status
            .success()
    });
}
