//! `probe`: what runs inside the pods of `verify --active`; not for people.

use apimgmt::{
    Error, ExitCode,
    probe::{Probe, within},
};
use clap::{Args, builder::PossibleValuesParser};

/// The worker of `verify --load`.
const LOAD: &str = "load";

/// Arguments of `probe`.
#[derive(Debug, Args)]
pub(crate) struct ProbeArguments {
    #[arg(value_parser = PossibleValuesParser::new(Probe::ALL.map(Probe::name).into_iter().chain([LOAD])))]
    name: String,
}

/// Runs the probe; that it found something wrong is its result and no failure of its own.
pub(crate) async fn run(arguments: &ProbeArguments) -> Result<ExitCode, Error> {
    if arguments.name == LOAD {
        within::load().await?;
    }
    for probe in Probe::ALL.into_iter().filter(|probe| probe.name() == arguments.name) {
        within::run(probe).await?;
    }
    Ok(ExitCode::Done)
}
