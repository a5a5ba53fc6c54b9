//! `kubectl apimgmt`: verifies, troubleshoots and rolls back the API management platform.

mod arguments;
mod commands;

use std::process::ExitCode;

use apimgmt::report;
use clap::Parser;

use arguments::{Arguments, Command};

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refused) => return arguments::refuse(&refused),
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            report::error(&apimgmt::Error::could_not("could not start").because(error));
            return apimgmt::ExitCode::CouldNot.into();
        }
    };
    let outcome = runtime.block_on(async {
        match arguments.command {
            Command::Verify(verify) => Box::pin(commands::verify::run(&arguments.global, verify)).await,
            Command::Troubleshoot(troubleshoot) => commands::troubleshoot::run(&arguments.global, troubleshoot).await,
            Command::Rollback(rollback) => commands::rollback::run(&arguments.global, rollback).await,
            Command::Attest(attest) => commands::attest::run(&arguments.global, attest).await,
            Command::Waive(waive) => commands::waive::run(&arguments.global, waive).await,
            Command::Items(items) => commands::items::run(&arguments.global, &items),
            Command::Completion(completion) => commands::completion::run(&completion),
            Command::Reference => commands::reference::run(),
            Command::Probe(probe) => commands::probe::run(&probe).await,
        }
    });
    outcome
        .unwrap_or_else(|error| {
            report::error(&error);
            error.code()
        })
        .into()
}
