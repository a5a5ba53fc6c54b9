//! Good and bad Ingresses, and what `HAProxy` itself says about the result where it is installed.
use std::process::Command;

use serde_json::{Value, json};

use super::{super::certificates::tests as certificate, *};

const FOLDER: &str = "/ingress";

fn ingress(spec: &Value) -> Arc<Ingress> {
    Arc::new(
        serde_json::from_value(json!({
            "apiVersion": "networking.k8s.io/v1",
            "kind": "Ingress",
            "metadata": {"name": "api", "namespace": "shop"},
            "spec": spec,
        }))
        .unwrap(),
    )
}

fn rule(host: &str, path: &str, path_type: &str, service: &str) -> Value {
    json!({"host": host, "http": {"paths": [{
        "path": path,
        "pathType": path_type,
        "backend": {"service": {"name": service, "port": {"name": "http"}}},
    }]}})
}

fn services() -> ByName<Service> {
    let service = |address: &str| -> Arc<Service> {
        Arc::new(
            serde_json::from_value(json!({"spec": {"clusterIP": address, "ports": [{"name": "http", "port": 8080}]}}))
                .unwrap(),
        )
    };
    let key = |name: &str| ("shop".to_owned(), name.to_owned());
    [
        (key("api"), service("10.96.0.7")),
        (key("files"), service("10.96.0.8")),
        (key("headless"), service("None")),
    ]
    .into()
}

fn plan_of(ingresses: &[Arc<Ingress>]) -> Plan {
    plan(FOLDER, ingresses, &services(), &BTreeMap::new())
}

fn position(plan: &Plan, text: &str) -> usize {
    plan.configuration
        .find(text)
        .unwrap_or_else(|| panic!("no {text:?} in\n{}", plan.configuration))
}

#[test]
fn a_rule_leads_to_its_service() {
    let plan = plan_of(&[ingress(&json!({
        "ingressClassName": "sandbox",
        "rules": [rule("a.sandbox.test", "/", "Prefix", "api")],
    }))]);
    position(
        &plan,
        "use_backend shop_api_8080 if { req.hdr(host),host_only,lower -m str a.sandbox.test }",
    );
    position(&plan, "backend shop_api_8080\n  server service 10.96.0.7:8080");
    assert!(plan.problems.is_empty(), "{:?}", plan.problems);
}

#[test]
fn another_class_is_left_alone() {
    let plan = plan_of(&[ingress(&json!({
        "ingressClassName": "nginx",
        "rules": [rule("a.sandbox.test", "/", "Prefix", "api")],
    }))]);
    assert_eq!(plan, plan_of(&[]));
}

#[test]
fn the_more_specific_rule_is_tried_first() {
    let plan = plan_of(&[ingress(&json!({
        "ingressClassName": "sandbox",
        "rules": [
            rule("*.sandbox.test", "/", "Prefix", "api"),
            rule("a.sandbox.test", "/", "Prefix", "api"),
            rule("a.sandbox.test", "/files", "Prefix", "files"),
        ],
    }))]);
    let files = position(&plan, "use_backend shop_files_8080");
    let exact = position(
        &plan,
        "use_backend shop_api_8080 if { req.hdr(host),host_only,lower -m str",
    );
    let wildcard = position(
        &plan,
        "use_backend shop_api_8080 if { req.hdr(host),host_only,lower -m reg",
    );
    assert!(files < exact && exact < wildcard, "{}", plan.configuration);
    // A prefix ends at a slash: /filesystem isn't below /files.
    position(&plan, "{ path_beg /files/ }");
    assert!(!plan.configuration.contains("path_beg /files }"));
}

#[test]
fn what_cannot_be_served_is_named_and_harms_nothing_else() {
    let plan = plan_of(&[ingress(&json!({
        "ingressClassName": "sandbox",
        "rules": [
            rule("a.sandbox.test", "/", "Prefix", "api"),
            rule("a.sandbox.test", "/missing", "Prefix", "nobody"),
            rule("a.sandbox.test", "/headless", "Prefix", "headless"),
            rule("a.sandbox.test", "/x }\n  use_backend evil", "Prefix", "api"),
            rule("a.sandbox.test\nglobal", "/", "Prefix", "api"),
        ],
    }))]);
    assert_eq!(plan.problems.len(), 4, "{:?}", plan.problems);
    assert!(plan.problems[0].starts_with("Ingress shop/api: there is no Service nobody"));
    assert!(!plan.configuration.contains("evil"));
    position(&plan, "backend shop_api_8080");
}

#[test]
fn a_missing_certificate_leaves_the_host_to_the_fallback() {
    let spec = json!({
        "ingressClassName": "sandbox",
        "tls": [{"hosts": ["a.sandbox.test"], "secretName": "tls-secret"}],
        "rules": [rule("a.sandbox.test", "/", "Prefix", "api")],
    });
    let without = plan_of(&[ingress(&spec)]);
    assert!(without.certificates.is_empty() && without.certificate_list.is_empty());
    assert!(
        without.problems[0].contains("Secret tls-secret can't be used"),
        "{:?}",
        without.problems
    );
    position(&without, "redirect code 308");

    let (chain, key) = certificate::pair();
    let secrets = [(
        ("shop".to_owned(), "tls-secret".to_owned()),
        Arc::new(certificate::secret(&chain, &key)),
    )]
    .into();
    let with = plan(FOLDER, &[ingress(&spec)], &services(), &secrets);
    assert_eq!(with.certificate_list, "/ingress/shop.tls-secret.pem a.sandbox.test\n");
    assert!(with.problems.is_empty(), "{:?}", with.problems);
}

#[test]
fn haproxy_takes_the_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (chain, key) = certificate::pair();
    let secrets = [(
        ("shop".to_owned(), "tls-secret".to_owned()),
        Arc::new(certificate::secret(&chain, &key)),
    )]
    .into();
    let ingresses = [ingress(&json!({
        "ingressClassName": "sandbox",
        "tls": [{"hosts": ["a.sandbox.test", "*.sandbox.test"], "secretName": "tls-secret"}],
        "rules": [
            rule("a.sandbox.test", "/health", "Exact", "api"),
            rule("*.sandbox.test", "/files", "Prefix", "files"),
            {"http": {"paths": [{"pathType": "Prefix", "path": "/", "backend": {"service": {"name": "api", "port": {"number": 8080}}}}]}},
        ],
    }))];
    let plan = plan(folder.path().to_str().unwrap(), &ingresses, &services(), &secrets);
    assert!(plan.problems.is_empty(), "{:?}", plan.problems);
    std::fs::write(path("fallback.pem"), format!("{chain}{key}")).unwrap();
    std::fs::write(path("certificates.list"), &plan.certificate_list).unwrap();
    std::fs::write(path("haproxy.cfg"), &plan.configuration).unwrap();
    for (name, bundle) in &plan.certificates {
        std::fs::write(path(name), bundle).unwrap();
    }
    let output = Command::new("haproxy")
        .args(["-c", "-f"])
        .arg(path("haproxy.cfg"))
        .output()
        .expect("haproxy is installed by tests/scripts/packages");
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stderr),
        plan.configuration
    );
}
