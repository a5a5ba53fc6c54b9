//! Where a verb's Snapshot comes from: the cluster, or a recording.

use std::{
    collections::BTreeSet,
    fs,
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use apimgmt::{
    Error,
    report::bundle,
    snapshot::{
        Snapshot, Source,
        collect::{self, Client, Limits, Request},
    },
    values::{Expectations, Span},
};
use clap::Args;

use super::NAMESPACE;
use crate::arguments::Global;

/// Flags of every verb that reads.
#[derive(Debug, Args)]
pub(crate) struct Reading {
    /// Judge a recording instead of a cluster; `verify -o html` takes several and shows their history
    #[arg(long, value_name = "FILE", help_heading = "Reading", conflicts_with = "record")]
    from: Vec<PathBuf>,
    /// Write what was read, without secrets, to a file
    #[arg(long, value_name = "FILE", help_heading = "Reading")]
    record: Option<PathBuf>,
    /// Expectations instead of those in the cluster: a file with `checklist:` values
    #[arg(long, value_name = "FILE", help_heading = "Reading")]
    config: Option<PathBuf>,
    /// Longest time for all reading together; what is not read by then is unknown
    #[arg(long, value_name = "DURATION", default_value = "30s", help_heading = "Reading")]
    deadline: Span,
    /// Most requests to the API server; what is not read by then is unknown
    #[arg(long, value_name = "N", default_value_t = 500, help_heading = "Reading")]
    max_requests: usize,
}

impl Reading {
    /// Whether recordings are judged.
    pub(crate) fn is_recorded(&self) -> bool {
        !self.from.is_empty()
    }

    /// The recordings, oldest first; empty when a cluster is to be read.
    pub(crate) fn recordings(&self) -> Result<Vec<Snapshot>, Error> {
        let config = self.config()?;
        let mut snapshots = Vec::new();
        for file in &self.from {
            let mut snapshot = Snapshot::from_recording(&recorded(file)?)?;
            if let Some(config) = &config {
                snapshot.readings.expectations = apimgmt::snapshot::Reading::Read(config.clone());
            }
            snapshots.push(snapshot);
        }
        snapshots.sort_by_key(|snapshot| snapshot.taken_at);
        Ok(snapshots)
    }

    fn config(&self) -> Result<Option<Expectations>, Error> {
        self.config.as_deref().map(expectations).transpose()
    }

    /// Reads the sources, from the recording or the cluster, and records them when asked to.
    pub(crate) async fn snapshot(&self, global: &Global, sources: BTreeSet<Source>) -> Result<Snapshot, Error> {
        if let Some(newest) = self.recordings()?.pop() {
            if self.from.len() > 1 {
                return Err(
                    Error::usage("several recordings make a history, which only `verify -o html` shows")
                        .hint("name one with `--from`"),
                );
            }
            return Ok(newest);
        }
        let (client, request) = self.request(global, sources).await?;
        let snapshot = collect::collect(client, request).await?;
        self.keep(&snapshot)?;
        Ok(snapshot)
    }

    /// Writes the recording that was asked for.
    pub(crate) fn keep(&self, snapshot: &Snapshot) -> Result<(), Error> {
        match &self.record {
            Some(file) => write(file, snapshot.to_recording().as_bytes()),
            None => Ok(()),
        }
    }

    /// What to read, and of which cluster.
    pub(crate) async fn request(&self, global: &Global, sources: BTreeSet<Source>) -> Result<(Client, Request), Error> {
        let connected = global.connection().connect().await?;
        let request = Request {
            namespace: connected.namespace.unwrap_or_else(|| NAMESPACE.into()),
            sources,
            context: connected.context,
            server: connected.server,
            limits: Limits {
                deadline: self.deadline.0.max(Duration::from_millis(1)),
                max_requests: self.max_requests,
            },
            config: self.config()?,
        };
        Ok((connected.client, request))
    }
}

/// The recording in a file that the user named, which may be a bundle.
fn recorded(file: &Path) -> Result<String, Error> {
    bundle::recording(fs::read(file).map_err(|error| unreadable(file, error))?)
}

/// The text of a file that the user named.
pub(super) fn read(file: &Path) -> Result<String, Error> {
    fs::read_to_string(file).map_err(|error| unreadable(file, error))
}

fn unreadable(file: &Path, error: std::io::Error) -> Error {
    Error::usage(format!("could not read `{}`", file.display()))
        .because(error)
        .hint("name a file that exists and can be read")
}

/// The `checklist:` part of a values file, or a file that holds just that part.
fn expectations(file: &Path) -> Result<Expectations, Error> {
    Expectations::from_values(&read(file)?)
        .map_err(|error| Error::usage(format!("the expectations in `{}` do not fit", file.display())).because(error))
}

/// Written for its owner alone: what was read holds no secret, but it does hold how the platform is built.
pub(super) fn write(file: &Path, content: &[u8]) -> Result<(), Error> {
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| open.write_all(content))
        .map_err(|error| Error::could_not(format!("could not write `{}`", file.display())).because(error))
}
