//! `troubleshoot`: names root causes.

use std::collections::BTreeSet;

use apimgmt::{
    Error, ExitCode,
    diagnoses::{self, Topic, diagnose},
    report::{print, troubleshoot::Report},
    snapshot::Source,
};
use clap::{Args, ValueEnum};

use super::snapshot::Reading;
use crate::arguments::{Global, Output};

/// Flags of `troubleshoot`.
#[derive(Debug, Args)]
pub(crate) struct Troubleshoot {
    /// What to look at; everything when none is named
    topic: Option<TopicName>,
    /// Only findings about this object or its symptoms
    name: Option<String>,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", default_value = "table", help_heading = "Output")]
    output: Output,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TopicName {
    /// Pods that do not start or do not become ready
    Pod,
    /// PostgreSQL and Redis
    Database,
    /// Kills, limits and leaks
    Memory,
    /// Certificates and ingress
    Tls,
    /// Services, endpoints and policies
    Network,
    /// Helm's release
    Release,
}

impl From<TopicName> for Topic {
    fn from(name: TopicName) -> Self {
        match name {
            TopicName::Pod => Self::Pod,
            TopicName::Database => Self::Database,
            TopicName::Memory => Self::Memory,
            TopicName::Tls => Self::Tls,
            TopicName::Network => Self::Network,
            TopicName::Release => Self::Release,
        }
    }
}

/// Looks with every diagnosis, keeps what was asked for and prints it.
///
/// A topic narrows what is shown, not what is looked at: the cause of a pod's trouble may lie in another topic.
pub(crate) async fn run(global: &Global, troubleshoot: Troubleshoot) -> Result<ExitCode, Error> {
    let sources: BTreeSet<Source> = diagnoses::ALL
        .iter()
        .flat_map(|diagnosis| diagnosis.reads)
        .copied()
        .collect();
    let snapshot = troubleshoot.reading.snapshot(global, sources).await?;
    let mut diagnosed = diagnose(diagnoses::ALL, &snapshot);
    diagnosed.keep(troubleshoot.topic.map(Topic::from), troubleshoot.name.as_deref());
    let report = Report::new(&snapshot, diagnosed);
    print(&report.render(troubleshoot.output.into(), global.style()))?;
    Ok(report.exit_code())
}
