use serde_json::{Value, json};

use super::{rendered::Whole, *};
use crate::report;

fn rendered(manifest: &str, config: &Value) -> Rendered {
    let whole: Whole = serde_json::from_value(json!({
        "config": config, "manifest": manifest, "hooks": null,
        "chart": {"values": {"replicas": 1, "database": {"password": "", "host": "db"}, "existingSecret": "a"}},
    }))
    .unwrap();
    Rendered::of(whole).unwrap()
}

fn difference(old: &Rendered, new: &Rendered) -> Difference {
    Difference::of((Verb::Upgrade, "shop", "market", 3), Some(old), new)
}

const OLD: &str = r#"
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, labels: {helm.sh/chart: shop-1.0.0}, annotations: {apimgmt.io/schema-target: "2"}}
spec:
  replicas: 3
  template:
    spec:
      containers:
        - {name: app, image: "shop:1", env: [{name: LEVEL, value: info}, {name: DB_PASSWORD, value: open-sesame-1}]}
        - {name: beside, image: "beside:1"}
---
{apiVersion: apps/v1, kind: StatefulSet, metadata: {name: db}, spec: {serviceName: db, template: {spec: {containers: [{name: db, image: "db:1"}]}}}}
---
{apiVersion: v1, kind: Secret, metadata: {name: keys}, stringData: {key: correct-horse-battery}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: settings}, data: {url: "https://a:correct-horse-battery@x", text: "one\ntwo\nthree\n"}}
---
{apiVersion: v1, kind: ConfigMap, metadata: {name: same, labels: {helm.sh/chart: shop-1.0.0}}}
---
{apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: data}}
"#;

fn new() -> String {
    OLD.replace("shop-1.0.0", "shop-1.1.0")
        .replace("shop:1", "shop:2")
        .replace("db:1", "db:2")
        .replace("serviceName: db", "serviceName: other")
        .replace("schema-target: \"2\"", "schema-target: \"3\"")
        .replace("open-sesame-1", "open-sesame-2")
        .replace("correct-horse-battery", "wrong-horse-battery")
        .replace("two", "zwei")
        .replace("PersistentVolumeClaim", "Lease")
}

#[test]
fn every_change_is_told_with_its_consequences_and_no_secret() {
    let old = rendered(OLD, &json!({"database": {"password": "open-sesame-1"}}));
    let new = rendered(
        &new(),
        &json!({"replicas": 2, "database": {"password": "open-sesame-2", "host": null}, "existingSecret": "b"}),
    );
    let difference = difference(&old, &new);
    let text = report::difference::table(&difference);
    for secret in ["open-sesame", "horse-battery"] {
        assert!(
            !text.contains(secret) && !report::json(&difference).contains(secret),
            "{secret}\n{text}"
        );
    }
    assert_eq!(
        text,
        r"Upgrade of release/shop in namespace market, from revision 3

Images
  deployment/app app: shop:1 → shop:2
  statefulset/db db: db:1 → db:2

Schema of the database
  2 → 3, after a backup that is proven by a restore

Away meanwhile
  statefulset/db replaces its only pod: what it serves is away until the new one is ready

Values
  database.host: gone, was db
  database.password: …secret… → …secret…
  existingSecret: a → b
  replicas: 1 → 2

Objects: 1 new, 4 changed, 1 removed, 1 with another version label alone
  ~ configmap/settings
      data.text: two → zwei
      data.url: https://a:…secret…@x → https://a:…secret…@x
  ~ deployment/app
      metadata.annotations[apimgmt.io/schema-target]: 2 → 3
      spec.template.spec.containers[app].env[DB_PASSWORD].value: …secret… → …secret…
      spec.template.spec.containers[app].image: shop:1 → shop:2
  + lease/data
  - persistentvolumeclaim/data
  ~ secret/keys
      stringData.key: …secret… → …secret…
  ~ statefulset/db
      spec.serviceName: db → other
      spec.template.spec.containers[db].image: db:1 → db:2

! statefulset/db: `spec.serviceName` can't be changed on an object that exists; the API server will refuse the upgrade

! persistentvolumeclaim/data goes, and its data with it
"
    );
}

#[test]
fn the_same_is_no_change_and_without_a_revision_everything_is_new() {
    let one = rendered(OLD, &json!({}));
    assert!(difference(&one, &one).is_empty());
    let first = Difference::of((Verb::Install, "shop", "market", 0), None, &one);
    assert!(first.changes.iter().all(|change| change.action == Action::Add) && first.values.is_empty());
}

#[test]
fn what_is_new_is_walked_so_that_its_secrets_are_known_by_their_names() {
    let old = rendered("{kind: ConfigMap, metadata: {name: m}}", &json!({}));
    let new = rendered(
        "{kind: ConfigMap, metadata: {name: m}}",
        &json!({"extra": {"apiToken": "t", "tokens": [{"name": "A_SECRET", "value": "hush"}]}}),
    );
    let text = report::difference::table(&difference(&old, &new));
    assert!(
        !text.contains("hush") && text.contains("extra.tokens[A_SECRET].value: new, …secret…"),
        "{text}"
    );
}
