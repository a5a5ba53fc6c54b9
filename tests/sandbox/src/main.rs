//! A real one-node Kubernetes on one machine, for tests and demonstrations.
use std::{io::Write, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};

use crate::{progress::Progress, relay::Route, site::Site};

mod addons;
mod alerting;
mod bare;
mod cgroups;
mod cluster;
mod down;
mod file;
mod full_values;
mod identity;
mod images;
mod inventory;
mod kind;
mod kubeconfig;
mod light;
mod log_agent;
mod node;
mod observability;
mod parts;
mod pki;
mod platform;
mod process;
mod programs;
mod progress;
mod record;
mod registry;
mod relay;
mod release_images;
mod reset;
mod residue;
mod scale;
mod site;
mod status;
mod up;
mod values;

/// A real one-node Kubernetes for this checkout, with a registry, storage, metrics, network policies and an ingress.
///
/// With SANDBOX=light in the environment: an API server with fake nodes and pods, without root and namespaces.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the sandbox of this checkout; one that runs already and is up to date is only refreshed
    Up {
        /// Start no more than this
        #[arg(long)]
        only: Option<Only>,
        /// Replace a sandbox that runs, even if it is up to date
        #[arg(long)]
        fresh: bool,
        /// Keep a sandbox that runs, even if its programs are of another version: only images and values are refreshed
        #[arg(long, conflicts_with = "fresh")]
        keep: bool,
        /// Leave out what only tests take: some Helms, and what plays fake pods
        #[arg(long)]
        lean: bool,
        /// Where the programs of the release's images are, instead of building them with cargo
        #[arg(long, value_name = "FOLDER")]
        programs: Option<PathBuf>,
    },
    /// End it and check that it left nothing behind
    Down,
    /// Tell what runs, and where to find it
    Status,
    /// Tell which sandbox this machine can give: `real` or `light`
    Kind,
    /// Delete every namespace and cluster-wide object that isn't the sandbox's own
    Reset,
    /// Import image archives (`docker save`) into the node
    LoadImage {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Run so many fake pods on fake nodes, beside the real ones; 0 removes them
    Scale { pods: usize },
    /// Read lists of the API server at the same time and throw them away: what they cost at least
    Bare {
        /// Page by page
        #[arg(long)]
        paged: bool,
        /// Such as `/api/v1/pods`
        #[arg(required = true)]
        paths: Vec<String>,
    },
    /// Build everything that the sandbox is made of, and start nothing
    Build,
    /// The first process of the node's namespaces
    #[command(hide = true)]
    NodeInit {
        #[arg(long)]
        checkout: PathBuf,
    },
    /// The controller for the ingress and for the secrets of every namespace
    #[command(hide = true)]
    Platform {
        #[arg(long)]
        checkout: PathBuf,
        /// For a cluster of fake pods
        #[arg(long)]
        light: bool,
    },
    /// Sends what containers of releases write to the aggregator of logs
    #[command(hide = true)]
    LogAgent {
        #[arg(long)]
        checkout: PathBuf,
    },
    /// From socket files to ports of the node
    #[command(hide = true)]
    RelayInside {
        #[arg(long)]
        address: String,
        routes: Vec<Route>,
    },
    /// From loopback ports to socket files
    #[command(hide = true)]
    RelayOutside { routes: Vec<Route> },
}

/// How much of the sandbox to start.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Only {
    /// The node with its add-ons: no images of the release, no waiting for metrics and ingress
    Node,
}

fn main() -> ExitCode {
    match run(Arguments::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "{}", told(&error));
            ExitCode::FAILURE
        }
    }
}

/// The chain of causes in one line, and below it what the reader can do.
fn told(error: &anyhow::Error) -> String {
    let (mut causes, mut hints) = (Vec::new(), Vec::new());
    for message in error.chain().map(ToString::to_string) {
        let (cause, hint) = message.split_once("\nhint: ").unwrap_or((&message, ""));
        causes.push(cause.to_owned());
        hints.extend((!hint.is_empty()).then(|| hint.to_owned()));
    }
    hints.extend(error.downcast_ref::<parts::Error>().map(parts::Error::hint));
    let mut text = format!("error: {}", causes.join(": "));
    for hint in hints {
        text.push_str("\nhint: ");
        text.push_str(&hint);
    }
    text
}

fn run(command: Command) -> Result<()> {
    // Before there are threads: the first process of the namespaces needs no runtime.
    if let Command::NodeInit { checkout } = command {
        return node::init::run(&Site::at(&checkout)?);
    }
    rustls::crypto::ring::default_provider()
        .install_default()
        .ok()
        .context("a TLS provider is installed already")?;
    let progress = Progress::start();
    tokio::runtime::Runtime::new()?.block_on(async {
        match command {
            Command::Up {
                only,
                fresh,
                keep,
                lean,
                programs,
            } => {
                let wish = up::Wish {
                    only,
                    fresh,
                    keep,
                    lean,
                    programs,
                };
                up::run(&Site::find()?, &wish, &progress).await
            }
            Command::Down => down::run(&Site::find()?, &progress),
            Command::Status => status::run(&Site::find()?).await,
            Command::Kind => kind::run(&Site::find()?, &progress),
            Command::Reset => reset::run(&Site::find()?, &progress).await,
            Command::LoadImage { files } => images::load(&Site::find()?, &files, &progress),
            Command::Scale { pods } => scale::run(&Site::find()?, pods, &progress).await,
            Command::Bare { paged, paths } => bare::run(&Site::find()?, &paths, paged).await,
            Command::Build => up::build(&progress).map(drop),
            Command::NodeInit { .. } => Ok(()),
            Command::Platform { checkout, light } => {
                let site = Site::at(&checkout)?;
                platform::run(&if light { site.into_light() } else { site }).await
            }
            Command::LogAgent { checkout } => log_agent::run(&Site::at(&checkout)?).await,
            Command::RelayInside { address, routes } => relay::inside(&address, routes).await,
            Command::RelayOutside { routes } => relay::outside(routes).await,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_come_after_all_causes() {
        let cause = anyhow::anyhow!("no such file");
        let error = cause
            .context("can't read the list\nhint: `sandbox up`")
            .context("can't reset");
        assert_eq!(
            told(&error),
            "error: can't reset: can't read the list: no such file\nhint: `sandbox up`"
        );
    }

    #[test]
    fn arguments_are_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
