//! `rollback`: goes back by a plan that is shown, consented to, run and verified.

use std::{io, time::Duration};

use apimgmt::{
    Error, ExitCode,
    operation::{Consent, Interrupt},
    release::Environment,
    report::{self, Form, print, progress::Progress},
    rollback::{self, Context, Outcome, Subject},
    values::Span,
};
use clap::{Args, ValueEnum};

use super::NAMESPACE;
use crate::arguments::{Global, Output};

/// Flags of `rollback`.
#[derive(Debug, Args)]
pub(crate) struct Rollback {
    /// What goes back
    #[arg(default_value = "release")]
    subject: SubjectName,
    /// Its name; by default the one that is there
    #[arg(default_value = "")]
    name: String,
    /// Revision to go back to; by default the last one that was good
    #[arg(long, value_name = "REVISION")]
    to: Option<u32>,
    /// Show what would be done, and change nothing
    #[arg(long, conflicts_with_all = ["yes", "resume", "abort", "history"])]
    plan: bool,
    /// Go on with a rollback that was left midway
    #[arg(long, conflicts_with_all = ["to", "abort", "history"])]
    resume: bool,
    /// Bring back what was there before a rollback that was left midway
    #[arg(long, conflicts_with_all = ["to", "history"])]
    abort: bool,
    /// Show what was done before
    #[arg(long)]
    history: bool,
    /// Agree to the plan without being asked
    #[arg(long)]
    yes: bool,
    /// Longest wait for what held before to hold again
    #[arg(long, value_name = "DURATION", default_value = "3m")]
    timeout: Span,
    /// Form of the output
    #[arg(short, long, value_name = "FORM", default_value = "table", help_heading = "Output")]
    output: Output,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum SubjectName {
    /// The release of Helm
    Release,
    /// One deployment, as `kubectl rollout undo`
    Deployment,
}

/// Plans, asks, runs and tells.
pub(crate) async fn run(global: &Global, arguments: Rollback) -> Result<ExitCode, Error> {
    let context = context(global, arguments.timeout.0).await?;
    let form = arguments.output.into();
    if arguments.history {
        let entries = rollback::history(&context).await?;
        print(&report::rollback::history(&entries, form))?;
        return Ok(ExitCode::Done);
    }
    let progress = Progress::on_standard_error();
    if arguments.resume || arguments.abort {
        let consent = agreed(arguments.yes)?;
        let outcome = if arguments.resume {
            rollback::resume(&context, consent, &progress, &Interrupt::listen()).await?
        } else {
            rollback::abort(&context, consent, &progress).await?
        };
        return told(&outcome, form);
    }
    let subject = match arguments.subject {
        SubjectName::Release => Subject::Release(arguments.name),
        SubjectName::Deployment => Subject::Deployment(arguments.name),
    };
    let plan = rollback::plan(&context, &subject, arguments.to).await?;
    if arguments.plan {
        print(&report::rollback::plan(&plan, form))?;
        return Ok(ExitCode::Done);
    }
    report::message(&plan.to_string());
    let consent = agreed(arguments.yes)?;
    let outcome = rollback::run(&context, &plan, consent, &progress, &Interrupt::listen()).await?;
    told(&outcome, form)
}

fn agreed(yes: bool) -> Result<Consent, Error> {
    match Consent::by_flag(yes) {
        Some(consent) => Ok(consent),
        None => Consent::ask("yes", &mut io::stdin().lock(), &mut io::stderr()),
    }
}

fn told(outcome: &Outcome, form: Form) -> Result<ExitCode, Error> {
    print(&report::rollback::outcome(outcome, form))?;
    Ok(outcome.code())
}

async fn context(global: &Global, patience: Duration) -> Result<Context, Error> {
    let connection = global.connection();
    let connected = connection.connect().await?;
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let environment = Environment {
        namespace: connected.namespace.clone().unwrap_or_else(|| NAMESPACE.into()),
        binary: variable("HELM_BIN"),
        plugin: None,
        token: global.token().map(Into::into),
        connection,
    };
    Ok(Context {
        connected,
        environment,
        driver: variable("HELM_DRIVER"),
        patience,
    })
}
