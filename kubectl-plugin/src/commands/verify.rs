//! `verify`: judges the checklist.

use std::collections::BTreeSet;

use apimgmt::{
    Error, ExitCode,
    checklist::{self, judge, select},
    operation::{Consent, Interrupt},
    probe::{self, Probe},
    report::{self, print, progress::Progress, verify::Report},
    snapshot::Source,
};
use clap::Args;

use super::snapshot::Reading;
use crate::arguments::{Global, Output};

/// Flags of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// `pre`, `post`, sections or ids; all items when none is named
    #[arg(value_name = "pre|post|SECTION|ID")]
    names: Vec<String>,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", default_value = "table", help_heading = "Output")]
    output: Output,
    /// Also prove what only doing proves: short-lived pods that write and clean up; their results count for 24 h
    #[arg(long, conflicts_with = "from", help_heading = "Probing")]
    active: bool,
    /// Also make the load that `checklist.throughput` declares, by pods in the cluster against the application's own service
    #[arg(long, conflicts_with = "from", help_heading = "Probing")]
    load: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Judges the named items and prints the report.
pub(crate) async fn run(global: &Global, verify: Verify) -> Result<ExitCode, Error> {
    let items = select(&verify.names)?;
    if let Some(consent) = Consent::by_flag(verify.active) {
        let probes = Probe::of_items(&items);
        let snapshot = verify.reading.snapshot(global, Probe::reads()).await?;
        let client = global.connection().connect().await?.client;
        let (interrupt, progress) = (Interrupt::listen(), Progress::on_standard_error());
        match probe::run(&client, &snapshot, &probes, &consent, &interrupt, &progress).await {
            Ok(_) => {}
            Err(error) if error.code() == ExitCode::Interrupted => return Err(error),
            // What could not be probed stays unknown, and the report says so.
            Err(error) => report::error(&error),
        }
    }
    if let Some(consent) = Consent::by_flag(verify.load) {
        let snapshot = verify.reading.snapshot(global, probe::load_reads()).await?;
        let client = global.connection().connect().await?.client;
        let (interrupt, progress) = (Interrupt::listen(), Progress::on_standard_error());
        match probe::load(&client, &snapshot, &consent, &interrupt, &progress).await {
            Ok(()) => {}
            Err(error) if error.code() == ExitCode::Interrupted => return Err(error),
            Err(error) => report::error(&error),
        }
    }
    // The release is part of every report's heading, and waivers are part of the expectations.
    let sources: BTreeSet<Source> = items
        .iter()
        .flat_map(|item| item.reads)
        .chain(&[Source::Releases, Source::Expectations])
        .copied()
        .collect();
    let snapshot = verify.reading.snapshot(global, sources).await?;
    let report = Report::new(
        &snapshot,
        &judge(&items, &snapshot),
        items.len() == checklist::ALL.len(),
    );
    print(&report.render(verify.output.into(), global.style()))?;
    Ok(report.exit_code())
}
