//! kubescape's JSON (`kubescape scan --format json`), version 2 of its format.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::time;
use crate::{
    Error,
    snapshot::sessions::{Import, ImportKind},
};

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    #[serde(default)]
    generation_time: String,
    summary_details: Summary,
}

#[derive(Deserialize)]
struct Summary {
    controls: BTreeMap<String, Control>,
    #[serde(default)]
    frameworks: Option<Vec<Framework>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Control {
    #[serde(default)]
    status_info: StatusInfo,
    #[serde(default)]
    status: String,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct StatusInfo {
    status: String,
}

#[derive(Deserialize)]
struct Framework {
    name: String,
}

pub(super) fn read(report: &Report) -> Result<Import, Error> {
    let controls = &report.summary_details.controls;
    if controls.is_empty() {
        return Err(Error::usage(
            "the report of kubescape holds no controls: nothing was checked",
        ));
    }
    let mut counts = BTreeMap::new();
    for control in controls.values() {
        // Older versions of the format have the status alone.
        let status = if control.status_info.status.is_empty() {
            &control.status
        } else {
            &control.status_info.status
        };
        let name = match status.as_str() {
            "passed" => "pass",
            "failed" => "fail",
            "skipped" | "irrelevant" => "skipped",
            _ => "unknown",
        };
        *counts.entry(name.to_owned()).or_default() += 1;
    }
    let frameworks = report.summary_details.frameworks.iter().flatten();
    let names: Vec<&str> = frameworks.map(|framework| framework.name.as_str()).collect();
    Ok(Import {
        kind: ImportKind::Benchmark,
        tool: "kubescape".into(),
        subject: names.join(", "),
        scanned_at: time(&report.generation_time),
        counts,
        ..Import::default()
    })
}
