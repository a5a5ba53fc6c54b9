//! Active probes: what only doing proves. Short-lived pods of the verification image stand where the part stands that
//! they probe, do it for real, and what they saw is stored in the namespace as dated evidence.

mod edges;
mod errand;
mod load;
mod measured;
mod objects;
mod permission;
mod places;
mod pod;
mod reviews;
mod scaling;
mod store;
pub mod within;

pub use load::{reads as load_reads, run as load};
pub use permission::permit;

use std::{collections::BTreeSet, time::Duration};

use kube::Client;

use crate::{
    Boxed, Error, ExitCode,
    checklist::Item,
    edges::Edges,
    operation::{Consent, Interrupt},
    report::progress::Progress,
    snapshot::{Snapshot, Source, sessions::ProbeResult},
};

/// Longest time for one probe, from asking for its pod to its result.
const LONGEST: Duration = Duration::from_secs(90);

/// One kind of probe; each gives results for several items at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// From where the application stands, with its own credentials: reach, records, keys.
    Application,
    /// From where each part stands, and from outside: what connects, and what must not.
    Edges,
    /// A claim of each storage class that is used: bound, written, measured.
    Storage,
    /// A test alert, sent to Alertmanager and followed to its receiver.
    Alerts,
    /// A line that the application writes, looked for in the aggregator.
    Logs,
    /// A request to the application that carries a trace's id, looked for in the backend of traces.
    Traces,
    /// From outside the namespace, as users come: calls, routes, tokens, permissions, files.
    Visitor,
}

impl Probe {
    /// Every probe.
    pub const ALL: [Self; 7] = [
        Self::Application,
        Self::Edges,
        Self::Storage,
        Self::Alerts,
        Self::Logs,
        Self::Traces,
        Self::Visitor,
    ];

    /// The name on the command line of the pod.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Edges => "edges",
            Self::Storage => "storage",
            Self::Alerts => "alerts",
            Self::Logs => "logs",
            Self::Traces => "traces",
            Self::Visitor => "visitor",
        }
    }

    /// Whose place its pod takes, for people.
    const fn stands_for(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Edges => "parts of the platform",
            Self::Storage => "storage of each class",
            Self::Alerts => "source of a test alert",
            Self::Logs => "reader of the logs",
            Self::Traces => "sender of a traced request",
            Self::Visitor => "visitor from outside",
        }
    }

    /// The items that its results are evidence for.
    pub const fn items(self) -> &'static [&'static str] {
        match self {
            Self::Application => &["database/instance", "functional/database", "functional/cache"],
            Self::Edges => &[
                "infrastructure/network",
                "infrastructure/dns",
                "security/firewall",
                "security/traffic-isolation",
            ],
            Self::Storage => &["infrastructure/storage-classes"],
            Self::Alerts => &["monitoring/alerts"],
            Self::Logs => &["monitoring/logs"],
            Self::Traces => &["monitoring/apm"],
            Self::Visitor => &[
                "functional/api",
                "functional/gateway",
                "functional/authentication",
                "functional/files",
                "security/access-control",
                "security/authorization",
            ],
        }
    }

    /// What must be read before any probe can be planned.
    pub fn reads() -> BTreeSet<Source> {
        let planning = [
            Source::PersistentVolumeClaims,
            Source::StatefulSets,
            Source::StorageClasses,
            Source::Ingresses,
        ];
        planning.into_iter().chain(Edges::READS.iter().copied()).collect()
    }

    /// The probes that give evidence for items.
    pub fn of_items(items: &[&'static Item]) -> BTreeSet<Self> {
        let wanted = |probe: &Self| probe.items().iter().any(|id| items.iter().any(|item| item.id == *id));
        Self::ALL.into_iter().filter(wanted).collect()
    }
}

/// Runs probes in the snapshot's namespace and stores their results there.
///
/// Whatever they make is gone when this returns, also when it is interrupted.
///
/// # Errors
/// When a probe could not run: no verification image is declared, it cannot be pulled, creating pods is not permitted. Its
/// items then stay unknown. A probe that ran and saw a failure is a result, not an error.
pub fn run<'a>(
    client: &'a Client,
    snapshot: &'a Snapshot,
    probes: &'a BTreeSet<Probe>,
    _consent: &'a Consent,
    interrupt: &'a Interrupt,
    progress: &'a Progress,
) -> Boxed<'a, Vec<ProbeResult>> {
    Box::pin(async move {
        let mut results = Vec::new();
        let mut first_error = None;
        for probe in probes {
            progress.say(&format!("probing as the {} would", probe.stands_for()));
            match one(client, snapshot, *probe, interrupt, progress).await {
                Ok(seen) => results.extend(seen),
                Err(error) if error.code() == ExitCode::Interrupted => return Err(error),
                // The others may still be told.
                Err(error) => _ = first_error.get_or_insert(error),
            }
        }
        store::write(client, &snapshot.namespace, &results).await?;
        first_error.map_or(Ok(results), Err)
    })
}

async fn one(
    client: &Client,
    snapshot: &Snapshot,
    probe: Probe,
    interrupt: &Interrupt,
    progress: &Progress,
) -> Result<Vec<ProbeResult>, Error> {
    let planned = objects::plan(client, snapshot, probe).await?;
    // Side by side, since each waits most of its time; every one cleans up after itself, whatever becomes of the others.
    let runs = planned
        .iter()
        .map(|objects| pod::run(client, probe, objects, interrupt));
    let mut results = Vec::new();
    let mut first_error = None;
    for outcome in futures::future::join_all(runs).await {
        match outcome {
            Ok(seen) => results.extend(seen),
            Err(error) if error.code() == ExitCode::Interrupted => return Err(error),
            Err(error) => _ = first_error.get_or_insert(error),
        }
    }
    // What some pods saw counts although others saw nothing: their items say what is lacking.
    match first_error {
        Some(error) if results.is_empty() || probe != Probe::Edges => Err(error),
        Some(error) => {
            progress.say(&format!("not probed: {error}"));
            Ok(results)
        }
        None => {
            if probe == Probe::Visitor {
                reviews::add(client, snapshot, &mut results).await;
            }
            Ok(results)
        }
    }
}
