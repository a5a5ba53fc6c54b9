//! Who may read less is told so: never green while blind.

use crate::sandbox::Namespace;

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
