//! `troubleshoot`: names root causes.

use std::{collections::BTreeSet, path::PathBuf};

use apimgmt::{
    Error, ExitCode,
    diagnoses::{self, Topic, diagnose},
    report::{Form, bundle, print, troubleshoot::Report},
    snapshot::Source,
};
use clap::{Args, ValueEnum};

use super::snapshot::{Reading, write};
use crate::arguments::Global;

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
    /// Write what was read, what was found, logs and objects, without secrets, to a .tar.gz that `--from` reads
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Output {
    /// Causes, and below each what shows it and what mends it
    Table,
    /// Causes alone
    Short,
    /// For scripts
    Json,
    /// For scripts
    Yaml,
    /// For an incident
    Markdown,
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
        .chain([Source::Namespace])
        .collect();
    let snapshot = troubleshoot.reading.snapshot(global, sources).await?;
    // Nothing is wrong where nothing is, but nobody asked about that.
    if !troubleshoot.reading.is_recorded() && matches!(snapshot.own_namespace(), Ok(None)) {
        return Err(
            Error::could_not(format!("there is no namespace `{}` to look into", snapshot.namespace))
                .hint("name another with `--namespace`; `kubectl get namespaces` lists them"),
        );
    }
    let mut diagnosed = diagnose(diagnoses::ALL, &snapshot);
    diagnosed.keep(troubleshoot.topic.map(Topic::from), troubleshoot.name.as_deref());
    let report = Report::new(&snapshot, diagnosed);
    if let Some(file) = &troubleshoot.bundle {
        write(file, &bundle::packed(&snapshot, &report)?)?;
    }
    print(&match troubleshoot.output {
        Output::Table => report.render(Form::Table, global.style()),
        Output::Short => report.render(Form::Short, global.style()),
        Output::Json => report.render(Form::Json, global.style()),
        Output::Yaml => report.render(Form::Yaml, global.style()),
        Output::Markdown => report.markdown(),
    })?;
    Ok(report.exit_code())
}
