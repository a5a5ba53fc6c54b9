//! SARIF 2.1.0: what code scanning shows. Every row is a result, so that a pass closes what a former run opened.

use serde_json::{Value, json};

use super::{ItemReport, Report};
use crate::{checklist::Severity, statement};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// The whole file.
pub(super) fn page(report: &Report) -> String {
    let rules: Vec<Value> = report.rows().map(rule).collect();
    let results: Vec<Value> = report
        .rows()
        .enumerate()
        .map(|(index, item)| result(report, index, item))
        .collect();
    super::super::json(&json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {
                "driver": {
                    "name": "apimgmt",
                    "version": env!("CARGO_PKG_VERSION"),
                    "semanticVersion": env!("CARGO_PKG_VERSION"),
                    "informationUri": env!("CARGO_PKG_REPOSITORY"),
                    "rules": rules,
                },
            },
            "automationDetails": { "id": format!("apimgmt/verify/{}/", report.namespace) },
            "invocations": [{
                "executionSuccessful": true,
                "endTimeUtc": report.taken_at.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string(),
                "exitCode": report.exit_code() as u8,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

fn rule(item: &ItemReport) -> Value {
    json!({
        "id": item.id,
        "shortDescription": { "text": item.title },
        "fullDescription": { "text": item.why },
        "help": { "text": item.fix },
        "defaultConfiguration": { "level": level(item.severity) },
        "properties": { "tags": [item.id.split('/').next().unwrap_or(item.id)] },
    })
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Blocking => "error",
        Severity::Advisory => "warning",
    }
}

fn result(report: &Report, index: usize, item: &ItemReport) -> Value {
    // Section 3.27.9: `open` is "insufficient information to decide", `review` "requires review by a human".
    let kind = match item.verdict {
        "pass" => "pass",
        "unknown" => "open",
        "manual" => "review",
        "skipped" => "notApplicable",
        _ => "fail",
    };
    // Section 3.27.10: what is no failure has the level `none`.
    let level = if kind == "fail" { level(item.severity) } else { "none" };
    let mut result = json!({
        "ruleId": item.id,
        "ruleIndex": index,
        "kind": kind,
        "level": level,
        "message": { "text": if item.detail.is_empty() { item.verdict } else { &item.detail } },
        "locations": locations(report, item),
        // Names the finding from run to run: the same item of the same namespace of the same cluster.
        "partialFingerprints": {
            "item/v1": statement::digest(format!("{}\n{}\n{}", report.cluster.uid, report.namespace, item.id).as_bytes()),
        },
        "properties": { "verdict": item.verdict, "evidence": item.evidence },
    });
    if let Some(waiver) = &item.waiver {
        let justification = format!("{} ({})", waiver.reason, waiver.owner);
        result["suppressions"] = json!([{ "kind": "external", "status": "accepted", "justification": justification }]);
    }
    if let Some(changes) = &report.changes {
        result["baselineState"] = changes.baseline(item.id).into();
    }
    result
}

/// The objects that were looked at, each once.
fn locations(report: &Report, item: &ItemReport) -> Vec<Value> {
    let mut objects: Vec<&str> = Vec::new();
    for piece in &item.evidence {
        if !objects.contains(&piece.object.as_str()) {
            objects.push(&piece.object);
        }
    }
    let location = |object: &&str| {
        json!({ "logicalLocations": [{
            "name": object.rsplit('/').next().unwrap_or(object),
            "fullyQualifiedName": format!("{}/{object}", report.namespace),
            "kind": "resource",
        }] })
    };
    objects.iter().map(location).collect()
}
