//! A real one-node Kubernetes on one machine, for tests and demonstrations.
use std::{path::PathBuf, process::ExitCode};

use anyhow::{Context, Result};
use clap::{Parser, Subcommand, ValueEnum};

use crate::{progress::Progress, relay::Route, site::Site};

mod addons;
mod cgroups;
mod cluster;
mod down;
mod file;
mod images;
mod inventory;
mod kubeconfig;
mod node;
mod parts;
mod pki;
mod platform;
mod process;
mod progress;
mod record;
mod registry;
mod relay;
mod reset;
mod residue;
mod sample_app;
mod scale;
mod site;
mod status;
mod up;
mod values;

/// A real one-node Kubernetes for this checkout, with a registry, storage, metrics, network policies and an ingress.
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
        /// The sample application's program, instead of building it with cargo
        #[arg(long, value_name = "FILE")]
        sample_app: Option<PathBuf>,
    },
    /// End it and check that it left nothing behind
    Down,
    /// Tell what runs, and where to find it
    Status,
    /// Delete every namespace and cluster-wide object that isn't the sandbox's own
    Reset,
    /// Import image archives (`docker save`) into the node
    LoadImage {
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Run so many fake pods on fake nodes, beside the real ones; 0 removes them
    Scale { pods: usize },
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
            use std::io::Write;
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            if let Some(error) = error.downcast_ref::<parts::Error>() {
                let _ = writeln!(std::io::stderr(), "hint: {}", error.hint());
            }
            ExitCode::FAILURE
        }
    }
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
                sample_app,
            } => {
                up::run(
                    &Site::find()?,
                    &up::Wish {
                        only,
                        fresh,
                        sample_app,
                    },
                    &progress,
                )
                .await
            }
            Command::Down => down::run(&Site::find()?, &progress),
            Command::Status => status::run(&Site::find()?).await,
            Command::Reset => reset::run(&Site::find()?, &progress).await,
            Command::LoadImage { files } => images::load(&Site::find()?, &files, &progress),
            Command::Scale { pods } => scale::run(&Site::find()?, pods, &progress).await,
            Command::Build => up::build(&progress).map(drop),
            Command::NodeInit { .. } => Ok(()),
            Command::Platform { checkout } => platform::run(&Site::at(&checkout)?).await,
            Command::RelayInside { address, routes } => relay::inside(&address, routes).await,
            Command::RelayOutside { routes } => relay::outside(routes).await,
        }
    })
}
