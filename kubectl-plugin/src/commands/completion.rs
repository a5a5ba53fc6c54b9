//! `completion`: scripts for shells.

use apimgmt::{Error, ExitCode, report::print};
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::arguments::Arguments;

/// Flags of `completion`.
#[derive(Debug, Args)]
pub(crate) struct Completion {
    /// The shell
    shell: Shell,
}

/// Prints the script.
pub(crate) fn run(completion: &Completion) -> Result<ExitCode, Error> {
    let mut script = Vec::new();
    clap_complete::generate(
        completion.shell,
        &mut Arguments::command(),
        "kubectl-apimgmt",
        &mut script,
    );
    print(&String::from_utf8_lossy(&script))?;
    Ok(ExitCode::Done)
}
