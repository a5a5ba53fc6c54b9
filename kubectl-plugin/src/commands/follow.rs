//! `verify --watch` and `--wait`: judge again whenever something changed.

use std::{collections::BTreeSet, time::Duration};

use apimgmt::{
    Error,
    operation::Interrupt,
    report::{is_on_terminal, progress::Progress, redraw, verify::Report},
    snapshot::{
        Readings, Snapshot, Source,
        collect::{Client, Request, Watcher, collect_again},
    },
};
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

/// When to read again what no watch tells of, and when to stop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// Between two readings of sessions, usage and what may not be watched.
    pub(super) interval: Duration,
    /// Stop as soon as nothing is left to wait for, or after this time; `None` goes on for ever.
    pub(super) wait: Option<Duration>,
}

/// Reads, judges and shows until it is interrupted, or until nothing is left to wait for. Gives the last report.
pub(super) async fn follow(
    client: Client,
    request: Request,
    pace: Pace,
    judge: impl Fn(&Snapshot) -> Result<Report, Error>,
    show: impl Fn(&Report) -> String,
) -> Result<Option<Report>, Error> {
    let interrupt = Interrupt::listen();
    let progress = Progress::on_standard_error();
    let deadline = pace.wait.map(|wait| Instant::now() + wait);
    // Begun before the first reading: what changes meanwhile is heard of.
    let mut watcher = Watcher::start(&client, &request.namespace, &request.sources);
    let mut ticks = interval_at(Instant::now() + pace.interval, pace.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sources = request.sources.clone();
    let mut known = Readings::default();
    let mut shown: Option<Report> = None;
    loop {
        let again = Request {
            sources: sources.clone(),
            ..request.clone()
        };
        let snapshot = tokio::select! {
            () = interrupt.asked() => return Ok(None),
            snapshot = collect_again(client.clone(), again, known) => snapshot?,
        };
        let report = judge(&snapshot)?;
        known = snapshot.readings;
        if deadline.is_none() {
            // A terminal shows how fresh it is; a file or a pipe gets only what is new.
            if is_on_terminal() || !shown.as_ref().is_some_and(|shown| shown.says_the_same_as(&report)) {
                redraw(&show(&report))?;
            }
        } else if report.is_settled() {
            progress.still();
            return Ok(Some(report));
        }
        progress.spin("waiting for a change");
        shown = Some(report);
        sources = tokio::select! {
            () = interrupt.asked() => { progress.still(); return Ok(None) },
            () = passed(deadline) => { progress.still(); return Ok(shown) },
            changed = watcher.changed() => changed,
            _ = ticks.tick() => of_interval(&watcher, &request.sources),
        };
    }
}

/// What is read again although nothing was heard of it.
fn of_interval(watcher: &Watcher, wanted: &BTreeSet<Source>) -> BTreeSet<Source> {
    let unwatched = watcher.unwatched();
    if unwatched.is_empty() {
        wanted.clone()
    } else {
        unwatched
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
