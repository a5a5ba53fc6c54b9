//! Reports as the scanners write them, cut down to a few findings.

use serde_json::json;

use super::read;
use crate::snapshot::sessions::{Import, ImportKind};

const MANIFEST: &str = "sha256:1111111111111111111111111111111111111111111111111111111111111111";
const CONFIGURATION: &str = "sha256:2222222222222222222222222222222222222222222222222222222222222222";

fn import(report: &serde_json::Value) -> Import {
    read(report.to_string().as_bytes()).unwrap()
}

fn refused(report: &serde_json::Value) -> String {
    read(report.to_string().as_bytes()).unwrap_err().to_string()
}

fn counts(import: &Import) -> Vec<(&str, u64)> {
    import
        .counts
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect()
}

#[test]
fn trivy() {
    let mut report = json!({
        "SchemaVersion": 2, "CreatedAt": "2026-11-20T10:00:00.123456789+01:00",
        "ArtifactName": "registry.test/app:1.0", "ArtifactType": "container_image",
        "Metadata": {"ImageID": CONFIGURATION, "RepoDigests": [format!("registry.test/app@{MANIFEST}")], "RepoTags": ["registry.test/app:1.0"]},
        "Results": [
            {"Target": "app (debian 12)", "Class": "os-pkgs", "Vulnerabilities": [
                {"VulnerabilityID": "CVE-1", "Severity": "CRITICAL"}, {"VulnerabilityID": "CVE-2", "Severity": "LOW"}, {"VulnerabilityID": "CVE-3", "Severity": "LOW"}]},
            {"Target": "usr/bin/app", "Class": "lang-pkgs"}]});
    let found = import(&report);
    assert_eq!((found.kind, found.tool.as_str()), (ImportKind::Image, "trivy"));
    assert_eq!(counts(&found), [("critical", 1), ("low", 2)]);
    assert!(found.is_of(MANIFEST) && found.is_of(CONFIGURATION));
    assert_eq!(found.scanned_at.unwrap().to_string(), "2026-11-20T09:00:00.123456789Z");
    assert_eq!(found.sha256.len(), 64);
    report["Results"] = json!(null);
    assert!(import(&report).counts.is_empty(), "no finding is none");
    report["ArtifactType"] = json!("filesystem");
    assert_eq!(refused(&report), "the report is of a filesystem, not of an image");
}

#[test]
fn grype() {
    let mut report = json!({
        "matches": [{"vulnerability": {"id": "CVE-1", "severity": "Critical"}}, {"vulnerability": {"id": "CVE-2", "severity": "Odd"}}],
        "source": {"type": "image", "target": {"userInput": "app:1.0", "imageID": CONFIGURATION, "manifestDigest": MANIFEST, "repoDigests": []}},
        "descriptor": {"name": "grype", "version": "0.104.0", "timestamp": "2026-11-20T09:00:00Z"}});
    let found = import(&report);
    assert_eq!((found.tool.as_str(), found.tool_version.as_str()), ("grype", "0.104.0"));
    assert_eq!(counts(&found), [("critical", 1), ("unknown", 1)]);
    assert_eq!(found.digests, [MANIFEST, CONFIGURATION]);
    report["source"] = json!({"type": "directory", "target": "/src"});
    assert_eq!(refused(&report), "the report is of a directory, not of an image");
}

#[test]
fn sarif() {
    let rule = |id: &str, score: serde_json::Value| json!({"id": id, "properties": {"security-severity": score}});
    let mut report = json!({
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {"name": "Trivy", "version": "0.68.0", "rules": [rule("a", json!("9.8")), rule("b", json!("5.5")), {"id": "c", "defaultConfiguration": {"level": "error"}}]}},
            "results": [{"ruleId": "a", "ruleIndex": 0}, {"ruleId": "b"}, {"ruleId": "c"}, {"ruleId": "d", "level": "note"}, {"ruleId": "a", "kind": "pass"},
                {"ruleId": "a", "suppressions": [{"kind": "external"}]}],
            "invocations": [{"executionSuccessful": true, "endTimeUtc": "2026-11-20T09:00:00Z"}],
            "properties": {"imageName": "app:1.0", "imageID": CONFIGURATION, "repoDigests": [format!("app@{MANIFEST}")]}}]});
    let found = import(&report);
    assert_eq!(
        counts(&found),
        [("critical", 3), ("low", 1), ("medium", 1), ("suppressed", 1)],
        "an unrated error is taken for critical, and what is suppressed counts"
    );
    assert_eq!((found.tool.as_str(), found.subject.as_str()), ("trivy", "app:1.0"));
    assert!(found.is_of(MANIFEST) && found.scanned_at.is_some());
    report["runs"][0]["results"] = json!(null);
    assert!(
        refused(&report).contains("no results"),
        "a scan that broke off found nothing, which proves nothing"
    );
    report["runs"] = json!([]);
    assert!(refused(&report).contains("0 runs"));
}

#[test]
fn kube_bench() {
    let control = json!({"id": "1", "version": "cis-1.10", "detected_version": "1.35", "tests": [], "total_pass": 40, "total_fail": 1, "total_warn": 2, "total_info": 0});
    let found = import(&json!({"Controls": [control, control], "Totals": {"total_pass": 80}}));
    assert_eq!((found.kind, found.tool.as_str()), (ImportKind::Benchmark, "kube-bench"));
    assert_eq!(counts(&found), [("fail", 2), ("info", 0), ("pass", 80), ("warn", 4)]);
    assert_eq!(
        (found.subject.as_str(), found.scanned_at),
        ("cis-1.10 on Kubernetes 1.35", None)
    );
    assert!(refused(&json!({"Controls": []})).contains("nothing was checked"));
    assert!(refused(&json!({"Controls": [{"id": "1"}]})).contains("does not fit"));
}

#[test]
fn kubescape() {
    let found = import(&json!({
        "generationTime": "2026-11-20T09:00:00Z",
        "summaryDetails": {
            "frameworks": [{"name": "NSA"}, {"name": "MITRE"}],
            "controls": {"C-0001": {"statusInfo": {"status": "failed"}, "status": "failed"}, "C-0002": {"status": "passed"}, "C-0003": {"statusInfo": {"status": "skipped"}}}}}));
    assert_eq!(counts(&found), [("fail", 1), ("pass", 1), ("skipped", 1)]);
    assert_eq!(
        (found.subject.as_str(), found.tool.as_str()),
        ("NSA, MITRE", "kubescape")
    );
    assert!(refused(&json!({"summaryDetails": {"controls": {}}})).contains("nothing was checked"));
}

#[test]
fn what_is_no_report_is_refused() {
    assert!(read(b"<xml/>").unwrap_err().to_string().contains("not JSON"));
    assert!(refused(&json!({"a": 1})).contains("no known scanner"));
    assert!(refused(&json!([])).contains("not JSON") || refused(&json!([])).contains("no known"));
    let broken = json!({"SchemaVersion": 2, "ArtifactName": 5});
    assert!(refused(&broken).contains("does not fit"));
}
