//! SARIF 2.1.0 of a scanner of images: severities by the rules' `security-severity`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{by_severity, digests, time};
use crate::{
    Error,
    snapshot::sessions::{Import, ImportKind},
};

#[derive(Deserialize)]
pub(super) struct Report {
    version: String,
    runs: Vec<Run>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    #[serde(default)]
    results: Option<Vec<Finding>>,
    #[serde(default)]
    invocations: Vec<Invocation>,
    #[serde(default)]
    properties: Properties,
}

#[derive(Deserialize)]
struct Tool {
    driver: Driver,
}

#[derive(Deserialize)]
struct Driver {
    name: String,
    #[serde(default)]
    version: String,
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: String,
    #[serde(default)]
    properties: BTreeMap<String, Value>,
    #[serde(default)]
    default_configuration: Configuration,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Configuration {
    level: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Finding {
    rule_id: String,
    rule_index: Option<usize>,
    level: Option<String>,
    kind: String,
    suppressions: Vec<Value>,
}

impl Default for Finding {
    fn default() -> Self {
        // "If kind is absent, it shall default to fail" (SARIF 2.1.0, 3.27.9).
        Self {
            rule_id: String::new(),
            rule_index: None,
            level: None,
            kind: "fail".into(),
            suppressions: Vec::new(),
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Invocation {
    end_time_utc: String,
}

/// Trivy names the image in the run's properties.
#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Properties {
    image_name: String,
    #[serde(rename = "imageID")]
    image_id: String,
    repo_digests: Option<Vec<String>>,
}

pub(super) fn read(report: &Report) -> Result<Import, Error> {
    let [run] = report.runs.as_slice() else {
        return Err(Error::usage(format!("the SARIF file has {} runs", report.runs.len()))
            .hint("import one file for each image, with one run"));
    };
    if report.version != "2.1.0" {
        return Err(Error::usage(format!(
            "the SARIF file has version {}, not 2.1.0",
            report.version
        )));
    }
    let findings = run
        .results
        .as_ref()
        .ok_or_else(|| Error::usage("the SARIF file has no results: the scan did not come to its end"))?;
    let driver = &run.tool.driver;
    let rules: BTreeMap<&str, &Rule> = driver.rules.iter().map(|rule| (rule.id.as_str(), rule)).collect();
    let severity = |finding: &Finding| {
        let rule = finding.rule_index.and_then(|index| driver.rules.get(index));
        rated(finding, rule.or_else(|| rules.get(finding.rule_id.as_str()).copied()))
    };
    // What the scanner's own settings suppress is not passed over: the item has its own way to waive.
    let failed = findings.iter().filter(|finding| finding.kind == "fail");
    let suppressed = findings
        .iter()
        .filter(|finding| !finding.suppressions.is_empty())
        .count();
    let mut counts = by_severity(failed.map(severity));
    if suppressed > 0 {
        counts.insert("suppressed".into(), suppressed as u64);
    }
    let repo_digests = run.properties.repo_digests.iter().flatten().map(String::as_str);
    Ok(Import {
        kind: ImportKind::Image,
        tool: driver.name.to_lowercase(),
        tool_version: driver.version.clone(),
        subject: run.properties.image_name.clone(),
        digests: digests(repo_digests.chain([run.properties.image_id.as_str()])),
        scanned_at: run
            .invocations
            .last()
            .and_then(|invocation| time(&invocation.end_time_utc)),
        counts,
        ..Import::default()
    })
}

/// The severity of a finding. The bands of `security-severity` are those that GitHub documents for code scanning and that CVSS
/// 3 has: over 9.0 critical, 7.0 to 8.9 high, 4.0 to 6.9 medium, below that low. Without a rating an error is taken for
/// critical, since no smaller word is certain.
fn rated(finding: &Finding, rule: Option<&Rule>) -> &'static str {
    let score = rule
        .and_then(|rule| rule.properties.get("security-severity"))
        .and_then(|score| score.as_f64().or_else(|| score.as_str()?.trim().parse().ok()))
        .filter(|score: &f64| score.is_finite());
    if let Some(score) = score {
        return match score {
            9.0.. => "critical",
            7.0.. => "high",
            4.0.. => "medium",
            _ => "low",
        };
    }
    let level = finding
        .level
        .as_deref()
        .or_else(|| rule?.default_configuration.level.as_deref())
        .unwrap_or("warning");
    match level {
        "error" => "critical",
        "warning" => "medium",
        "note" | "none" => "low",
        _ => "unknown",
    }
}
