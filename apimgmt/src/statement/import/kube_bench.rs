//! kube-bench's JSON (`kube-bench run --json`): the CIS benchmark of nodes and control plane.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{
    Error,
    snapshot::sessions::{Import, ImportKind},
};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Report {
    controls: Vec<Control>,
}

#[derive(Deserialize)]
struct Control {
    #[serde(default)]
    version: String,
    #[serde(default)]
    detected_version: String,
    total_pass: u64,
    total_fail: u64,
    #[serde(default)]
    total_warn: u64,
    #[serde(default)]
    total_info: u64,
}

pub(super) fn read(report: &Report) -> Result<Import, Error> {
    let Some(first) = report.controls.first() else {
        return Err(Error::usage(
            "the report of kube-bench holds no controls: nothing was checked",
        ));
    };
    let total = |of: fn(&Control) -> u64| report.controls.iter().map(of).sum();
    let counts = [
        ("pass", total(|control| control.total_pass)),
        ("fail", total(|control| control.total_fail)),
        ("warn", total(|control| control.total_warn)),
        ("info", total(|control| control.total_info)),
    ];
    let subject = format!("{} on Kubernetes {}", first.version, first.detected_version);
    Ok(Import {
        kind: ImportKind::Benchmark,
        tool: "kube-bench".into(),
        subject,
        counts: counts
            .into_iter()
            .map(|(name, count)| (name.to_owned(), count))
            .collect::<BTreeMap<_, _>>(),
        ..Import::default()
    })
}
