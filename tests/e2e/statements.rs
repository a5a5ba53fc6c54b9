//! Attestations, waivers and imports: who states them is known, nobody changes them, and they turn nothing green.

use std::fs;

use crate::sandbox::{Namespace, root, text};

#[test]
fn a_waiver_is_signed_by_who_the_server_knows_and_is_taken_back_by_a_newer_one() {
    let place = Namespace::new("waiver");
    let item = "security/namespace-isolation";
    let row = || {
        let report = place.apimgmt(&["verify", item, "-o", "json"]).json();
        report["sections"][0]["items"][0].clone()
    };
    assert_eq!(row()["verdict"], "fail");
    let waive = ["waive", item, "--reason", "moves next week", "--until", "7d"];
    place
        .apimgmt(&[&waive[..], &["--as", "nobody"]].concat())
        .ends_with(1)
        .says("not permitted to create");
    let ann = ["--as", "ann", "--as-group", "system:masters"];
    place.apimgmt(&[&waive[..], &ann].concat()).succeeds();
    let waived = row();
    assert_eq!(
        (text(&waived["verdict"]), text(&waived["waiver"]["owner"])),
        ("waived".into(), "ann".into())
    );
    let kept = place.kubectl(&[
        "get",
        "configmap",
        "--selector",
        "apimgmt.io/statement=true",
        "--output",
        "name",
    ]);
    let name = String::from_utf8_lossy(&kept.output.stdout).trim().to_owned();
    place
        .kubectl(&["patch", &name, "--patch", "{\"data\":{\"content.json\":\"{}\"}}"])
        .ends_with(1)
        .says("immutable");
    place.apimgmt(&["waive", item, "--revoke"]).succeeds();
    assert_eq!(row()["verdict"], "fail");
    place
        .apimgmt(&["attest", item, "--evidence", "looked at it", "--until", "7d"])
        .ends_with(2)
        .says("is measured, so nobody attests it");
}

#[test]
fn a_scan_is_imported_as_counts_and_nothing_else() {
    let place = Namespace::new("import");
    let digest = format!("sha256:{}", "1".repeat(64));
    let report = serde_json::json!({"SchemaVersion": 2, "CreatedAt": "2026-11-20T09:00:00Z", "ArtifactName": "app:1", "ArtifactType": "container_image",
        "Metadata": {"ImageID": digest}, "Results": [{"Vulnerabilities": [{"Severity": "LOW", "Title": "a long story"}]}]});
    let file = root().join("target/e2e/trivy.json");
    fs::create_dir_all(file.parent().expect("it has one")).expect("target/ can be written");
    fs::write(&file, report.to_string()).expect("target/ can be written");
    let file = file.display().to_string();
    place.apimgmt(&["attest", "--import", &file]).succeeds().says("1 low");
    let kept = place.kubectl(&[
        "get",
        "configmap",
        "--selector",
        "apimgmt.io/import=true",
        "--output",
        "yaml",
    ]);
    assert!(
        kept.text().contains(&digest) && !kept.text().contains("a long story"),
        "{}",
        kept.text()
    );
    place
        .apimgmt(&["attest", "security/compliance", "--import", &file])
        .ends_with(2)
        .says("says nothing of");
}
