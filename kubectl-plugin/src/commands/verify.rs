//! `verify`: judges the checklist.

use std::path::PathBuf;

use apimgmt::{
    Error, ExitCode,
    checklist::{self, Item, judge, select, sources},
    operation::{Consent, Interrupt},
    probe::{self, Probe},
    report::{
        self, print,
        progress::Progress,
        verify::{Former, Report, Run},
    },
    snapshot::Snapshot,
    values::Span,
};
use clap::{Args, ValueEnum};

use super::{
    follow::{Pace, follow},
    snapshot::{Reading, read},
};
use crate::arguments::{ChecklistOutput, Global};

/// Flags of `verify`.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// `pre`, `post`, sections or ids; all items when none is named
    #[arg(value_name = "pre|post|SECTION|ID")]
    names: Vec<String>,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", default_value = "table", help_heading = "Output")]
    output: ChecklistOutput,
    /// Show what changed since a former run: a recording, or what `-o json` wrote
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    since: Option<PathBuf>,
    /// Verdicts that end with exit code 3
    #[arg(
        long,
        value_name = "VERDICT",
        default_value = "fail",
        value_delimiter = ',',
        help_heading = "Output"
    )]
    fail_on: Vec<FailOn>,
    /// Judge again whenever something changed, until interrupted
    #[arg(long, conflicts_with_all = ["from", "wait"], help_heading = "Following")]
    watch: bool,
    /// Judge again until nothing fails or is unknown, at longest for this time, and show the last report
    #[arg(long, value_name = "DURATION", conflicts_with = "from", help_heading = "Following")]
    wait: Option<Span>,
    /// With `--watch` and `--wait`, how often to ask anew what no watch tells of, such as sessions and usage
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "30s",
        value_parser = interval,
        help_heading = "Following"
    )]
    interval: Span,
    /// Also prove what only doing proves: short-lived pods that write and clean up; their results count for 24 h
    #[arg(long, conflicts_with = "from", help_heading = "Probing")]
    active: bool,
    #[command(flatten)]
    reading: Reading,
}

/// More often than each second is polling.
fn interval(text: &str) -> Result<Span, String> {
    let span: Span = text.parse()?;
    if span.0.as_secs() == 0 {
        return Err(format!("`{text}` is shorter than a second"));
    }
    Ok(span)
}

/// What may end with exit code 3.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FailOn {
    /// A blocking item that does not hold
    Fail,
    /// An advisory item that does not hold
    Warning,
    /// What cannot be told
    Unknown,
    /// What waits for a person
    Manual,
    /// What is set aside
    Waived,
    /// Nothing
    None,
}

impl FailOn {
    /// The contract's word for the verdict.
    const fn verdict(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Warning => "warning",
            Self::Unknown => "unknown",
            Self::Manual => "manual",
            Self::Waived => "waived",
            Self::None => "none",
        }
    }
}

/// Judges the named items and prints the report.
pub(crate) async fn run(global: &Global, verify: Verify) -> Result<ExitCode, Error> {
    let items = select(&verify.names)?;
    let selection = Selection { items, verify: &verify };
    if let Some(consent) = Consent::by_flag(verify.active) {
        selection.probe(global, &consent).await?;
    }
    if verify.watch || verify.wait.is_some() {
        return selection.follow(global).await;
    }
    let report = if verify.reading.is_recorded() {
        selection.of_recordings()?
    } else {
        selection.report(&verify.reading.snapshot(global, sources(&selection.items)).await?)?
    };
    print(&report.render(verify.output.into(), global.style()))?;
    Ok(report.exit_code())
}

/// The items that are judged, and how.
struct Selection<'a> {
    items: Vec<&'static Item>,
    verify: &'a Verify,
}

impl Selection<'_> {
    fn judged(&self, snapshot: &Snapshot) -> Report {
        let verdicts: Vec<&str> = self.verify.fail_on.iter().map(|verdict| verdict.verdict()).collect();
        let whole = self.items.len() == checklist::ALL.len();
        Report::new(snapshot, &judge(&self.items, snapshot), whole).failing_on(&verdicts)
    }

    /// The report, with what changed since the former run.
    fn report(&self, snapshot: &Snapshot) -> Result<Report, Error> {
        let report = self.judged(snapshot);
        let Some(file) = &self.verify.since else {
            return Ok(report);
        };
        let text = read(file)?;
        let former = match Former::from_json(&text)? {
            Some(former) => former,
            None => {
                let former = Snapshot::from_recording(&text)?;
                Former::of(&self.judged(&former), &former)
            }
        };
        Ok(report.since(&former, snapshot))
    }

    /// Judges again whenever something changed.
    async fn follow(&self, global: &Global) -> Result<ExitCode, Error> {
        let (client, request) = self.verify.reading.request(global, sources(&self.items)).await?;
        let pace = Pace {
            interval: self.verify.interval.0,
            wait: self.verify.wait.map(|wait| wait.0),
        };
        let (form, style) = (self.verify.output.into(), global.style());
        let judge = |snapshot: &Snapshot| {
            self.verify.reading.keep(snapshot)?;
            self.report(snapshot)
        };
        let last = follow(client, request, pace, judge, |report| report.render(form, style)).await?;
        let Some(report) = last else {
            return Ok(ExitCode::Interrupted);
        };
        print(&report.render(form, style))?;
        Ok(report.exit_code())
    }

    /// The report of the newest recording, with the others as its history.
    fn of_recordings(&self) -> Result<Report, Error> {
        let mut recordings = self.verify.reading.recordings()?;
        let newest = recordings.pop().ok_or_else(|| Error::usage("no recording is named"))?;
        if !recordings.is_empty() && self.verify.output != ChecklistOutput::Html {
            return Err(
                Error::usage("several recordings make a history, which only `-o html` shows")
                    .hint("name one with `--from`, or compare two with `--since`"),
            );
        }
        let history = recordings.iter().map(|former| Run::of(&self.judged(former)));
        Ok(self.report(&newest)?.with_history(history))
    }

    /// Probes what only doing proves; what could not be probed stays unknown, and the report says so.
    async fn probe(&self, global: &Global, consent: &Consent) -> Result<(), Error> {
        let probes = Probe::of_items(&self.items);
        let snapshot = self.verify.reading.snapshot(global, Probe::reads()).await?;
        let client = global.connection().connect().await?.client;
        let (interrupt, progress) = (Interrupt::listen(), Progress::on_standard_error());
        match probe::run(&client, &snapshot, &probes, consent, &interrupt, &progress).await {
            Err(error) if error.code() == ExitCode::Interrupted => Err(error),
            Err(error) => {
                report::error(&error);
                Ok(())
            }
            Ok(_) => Ok(()),
        }
    }
}
