//! Active probes: what only doing proves. Short-lived pods of the verification image stand where the part stands that
//! they probe, do it for real, and what they saw is stored in the namespace as dated evidence.

mod objects;
mod pod;
mod store;
pub mod within;

use std::{collections::BTreeSet, time::Duration};

use kube::Client;

use crate::{
    Boxed, Error, ExitCode,
    checklist::Item,
    operation::{Consent, Interrupt},
    report::progress::Progress,
    snapshot::{Snapshot, Source, roles::Roles, sessions::ProbeResult},
};

/// Longest time for one probe, from asking for its pod to its result.
const LONGEST: Duration = Duration::from_secs(90);

/// One kind of probe; each gives results for several items at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Probe {
    /// From where the application stands, with its own credentials: reach, records, keys.
    Application,
    /// A claim of each storage class that is used: bound, written, measured.
    Storage,
    /// A test alert, sent to Alertmanager and followed to its receiver.
    Alerts,
    /// A line that the application writes, looked for in the aggregator.
    Logs,
}

impl Probe {
    /// Every probe.
    pub const ALL: [Self; 4] = [Self::Application, Self::Storage, Self::Alerts, Self::Logs];

    /// The name on the command line of the pod.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Storage => "storage",
            Self::Alerts => "alerts",
            Self::Logs => "logs",
        }
    }

    /// Whose place its pod takes, for people.
    const fn stands_for(self) -> &'static str {
        match self {
            Self::Application => "application",
            Self::Storage => "storage of each class",
            Self::Alerts => "source of a test alert",
            Self::Logs => "reader of the logs",
        }
    }

    /// The items that its results are evidence for.
    pub const fn items(self) -> &'static [&'static str] {
        match self {
            Self::Application => &["database/instance", "functional/database", "functional/cache"],
            Self::Storage => &["infrastructure/storage-classes"],
            Self::Alerts => &["monitoring/alerts"],
            Self::Logs => &["monitoring/logs"],
        }
    }

    /// What must be read before any probe can be planned.
    pub fn reads() -> BTreeSet<Source> {
        let planning = [
            Source::PersistentVolumeClaims,
            Source::StatefulSets,
            Source::StorageClasses,
        ];
        planning.into_iter().chain(Roles::READS.iter().copied()).collect()
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
            progress.say(&format!("probing as the {} does", probe.stands_for()));
            match one(client, snapshot, *probe, interrupt).await {
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
) -> Result<Vec<ProbeResult>, Error> {
    let mut results = Vec::new();
    for objects in objects::plan(client, snapshot, probe).await? {
        results.extend(pod::run(client, &snapshot.namespace, probe, &objects, interrupt).await?);
    }
    Ok(results)
}
