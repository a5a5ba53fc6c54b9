//! The command line: kubectl's connection flags, and one subcommand for each verb.

use std::{path::PathBuf, process::ExitCode};

use apimgmt::{
    connection::Connection,
    report::{self, Color, Form, Style},
    values::Span,
};
use clap::{Args, Parser, Subcommand, ValueEnum, error::ErrorKind};

use crate::commands;

/// Proves the production checklist of an API management platform from live cluster state.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl-apimgmt",
    bin_name = "kubectl apimgmt",
    version,
    max_term_width = 120
)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Judge the checklist; without names all 52 items. Only reads.
    Verify(commands::verify::Verify),
    /// Name the root cause of what is wrong.
    Troubleshoot(commands::troubleshoot::Troubleshoot),
    /// Go back by a plan that is shown first.
    Rollback(commands::rollback::Rollback),
    /// State that an item holds which no machine can see, or import a scanner's report.
    Attest(commands::attest::Attest),
    /// Set an item aside that does not hold, with a reason and an end.
    Waive(commands::waive::Waive),
    /// List and explain the items of the checklist, and what they may read.
    Items(commands::items::Items),
    /// Print a shell's completion script.
    Completion(commands::completion::Completion),
    /// The page docs/kubectl-apimgmt.md.
    #[command(hide = true)]
    #[command(name = "command-reference")]
    Reference,
    /// What runs inside the pods of `verify --active`.
    #[command(hide = true)]
    Probe(commands::probe::ProbeArguments),
}

/// Flags of every verb.
#[derive(Debug, Args)]
pub(crate) struct Global {
    #[command(flatten)]
    connection: ConnectionFlags,
    /// When to use colour
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    color: When,
}

/// kubectl's connection flags, under their names.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connection, as for kubectl")]
struct ConnectionFlags {
    /// Kubeconfig to use instead of KUBECONFIG and ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    context: Option<String>,
    /// Cluster of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    cluster: Option<String>,
    /// User of the kubeconfig
    #[arg(long, global = true, value_name = "NAME")]
    user: Option<String>,
    /// Namespace of the release [default: that of the context, else integration-api-management]
    #[arg(short, long, global = true, value_name = "NAME")]
    namespace: Option<String>,
    /// URL of the API server
    #[arg(short, long, global = true, value_name = "URL")]
    server: Option<String>,
    /// Bearer token
    #[arg(long, global = true, value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    impersonate: Option<String>,
    /// User id to impersonate
    #[arg(long = "as-uid", global = true, value_name = "UID")]
    impersonate_uid: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    impersonate_groups: Vec<String>,
    /// Extra field to impersonate; may be repeated
    #[arg(long = "as-user-extra", global = true, value_name = "KEY=VALUE")]
    impersonate_extra: Vec<String>,
    /// Certificate authorities of the server
    #[arg(long, global = true, value_name = "FILE")]
    certificate_authority: Option<PathBuf>,
    /// Certificate of the client
    #[arg(long, global = true, value_name = "FILE")]
    client_certificate: Option<PathBuf>,
    /// Key of the client
    #[arg(long, global = true, value_name = "FILE")]
    client_key: Option<PathBuf>,
    /// Trust any certificate of the server
    #[arg(long, global = true)]
    insecure_skip_tls_verify: bool,
    /// Name that the server's certificate must have
    #[arg(long, global = true, value_name = "NAME")]
    tls_server_name: Option<String>,
    /// Longest time for one request; 0 means no limit of its own
    #[arg(long, global = true, value_name = "DURATION", default_value = "0", value_parser = request_timeout)]
    request_timeout: Span,
    /// Ask the server for uncompressed answers
    #[arg(long, global = true)]
    disable_compression: bool,
    /// Accepted for kubectl's sake; nothing is cached
    #[arg(long, global = true, value_name = "DIR", hide = true)]
    cache_dir: Option<PathBuf>,
}

/// kubectl takes a bare number as seconds.
fn request_timeout(text: &str) -> Result<Span, String> {
    match text.parse::<u64>() {
        Ok(seconds) => Ok(Span(std::time::Duration::from_secs(seconds))),
        Err(_) => text.parse(),
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum When {
    Auto,
    Always,
    Never,
}

/// The forms of the checklist.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ChecklistOutput {
    /// Sections, aligned
    #[default]
    Table,
    /// Only what is not green
    Short,
    /// With the evidence of every row
    Wide,
    /// For scripts
    Json,
    /// For scripts
    Yaml,
    /// For build servers
    Junit,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// For tickets
    Markdown,
    /// One page that needs nothing else
    Html,
    /// For Prometheus' textfile collector
    Prometheus,
}

impl From<ChecklistOutput> for report::verify::Form {
    fn from(output: ChecklistOutput) -> Self {
        match output {
            ChecklistOutput::Table => Self::Table,
            ChecklistOutput::Short => Self::Short,
            ChecklistOutput::Wide => Self::Wide,
            ChecklistOutput::Json => Self::Json,
            ChecklistOutput::Yaml => Self::Yaml,
            ChecklistOutput::Junit => Self::Junit,
            ChecklistOutput::Sarif => Self::Sarif,
            ChecklistOutput::Markdown => Self::Markdown,
            ChecklistOutput::Html => Self::Html,
            ChecklistOutput::Prometheus => Self::Prometheus,
        }
    }
}

/// The forms of other results.
#[derive(Debug, Clone, Copy, Default, ValueEnum)]
pub(crate) enum Output {
    /// Sections, aligned
    #[default]
    Table,
    /// Only what is not green
    Short,
    /// For scripts
    Json,
    /// For scripts
    Yaml,
}

impl From<Output> for Form {
    fn from(output: Output) -> Self {
        match output {
            Output::Table => Self::Table,
            Output::Short => Self::Short,
            Output::Json => Self::Json,
            Output::Yaml => Self::Yaml,
        }
    }
}

impl Global {
    /// How standard output is written.
    pub(crate) fn style(&self) -> Style {
        Style::of_stdout(match self.color {
            When::Auto => Color::Auto,
            When::Always => Color::Always,
            When::Never => Color::Never,
        })
    }

    /// The namespace that the flags name, else the document's; for what contacts no cluster.
    pub(crate) fn named_namespace(&self) -> String {
        self.connection
            .namespace
            .clone()
            .unwrap_or_else(|| commands::NAMESPACE.into())
    }

    /// The bearer token, for a Helm that is started.
    pub(crate) fn token(&self) -> Option<String> {
        self.connection.token.clone()
    }

    /// Where to, as whom.
    pub(crate) fn connection(&self) -> Connection {
        let flags = &self.connection;
        Connection {
            kubeconfig: flags.kubeconfig.clone(),
            context: flags.context.clone(),
            cluster: flags.cluster.clone(),
            user: flags.user.clone(),
            namespace: flags.namespace.clone(),
            server: flags.server.clone(),
            token: flags.token.clone().map(Into::into),
            impersonate: flags.impersonate.clone(),
            impersonate_uid: flags.impersonate_uid.clone(),
            impersonate_groups: flags.impersonate_groups.clone(),
            impersonate_extra: flags.impersonate_extra.clone(),
            certificate_authority: flags.certificate_authority.clone(),
            client_certificate: flags.client_certificate.clone(),
            client_key: flags.client_key.clone(),
            insecure_skip_tls_verify: flags.insecure_skip_tls_verify,
            tls_server_name: flags.tls_server_name.clone(),
            request_timeout: Some(flags.request_timeout.0).filter(|limit| !limit.is_zero()),
            disable_compression: flags.disable_compression,
        }
    }
}

/// Shows what clap refused, or the help and version that were asked for.
pub(crate) fn refuse(refused: &clap::Error) -> ExitCode {
    let wanted = matches!(refused.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if wanted {
        return match report::print(&refused.render().to_string()) {
            Ok(()) => apimgmt::ExitCode::Done.into(),
            Err(error) => error.code().into(),
        };
    }
    report::message(refused.render().to_string().trim_end());
    apimgmt::ExitCode::Usage.into()
}
