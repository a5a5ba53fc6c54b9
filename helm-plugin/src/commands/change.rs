//! What `install` and `upgrade` share.

use std::os::unix::process::CommandExt;

use apimgmt::{
    Error, ExitCode,
    operation::{Consent, Interrupt},
    release::{Change, Verb},
    report::{self, Form, change::table, progress::Progress},
};

use crate::arguments::Call;

pub(crate) async fn run(verb: Verb, words: &[String]) -> Result<ExitCode, Error> {
    let call = Call::of(words)?;
    let (release, chart) = call.names()?;
    let form = call.form()?;
    let mut change = Change {
        verb,
        release,
        chart,
        helm: call.line.helm.clone(),
        options: call.options()?,
    };
    if call.is_on("skip-hooks")? {
        change.helm.push("--no-hooks".into());
    }
    if let Some(mode) = call.line.last("dry-run").filter(|mode| *mode != "none") {
        return rehearse(&call, &change, mode);
    }
    let connected = call.connect().await?;
    let (progress, interrupt) = (Progress::on_standard_error(), Interrupt::listen());
    let run = change.run(
        &call.environment,
        &connected,
        &call.helm,
        Consent::by_verb(),
        (&progress, &interrupt),
    );
    let outcome = Box::pin(run).await?;
    report::print(&match form {
        Form::Json => report::json(&outcome),
        Form::Yaml => report::yaml(&outcome),
        Form::Table | Form::Short => table(&outcome),
    })?;
    Ok(outcome.code())
}

/// Shows the plan, then lets Helm rehearse: nothing is changed.
fn rehearse(call: &Call, change: &Change, mode: &str) -> Result<ExitCode, Error> {
    report::message(&change.plan(&call.environment.namespace, 0).to_string());
    let mode = match mode {
        "true" | "client" | "unset" => "--dry-run=client",
        "server" => "--dry-run=server",
        other => {
            return Err(Error::usage(format!("there is no `--dry-run={other}`")).hint("`client`, `server` or `none`"));
        }
    };
    let mut arguments = vec![change.release.clone(), change.chart.clone(), mode.into()];
    if change.options.install_if_absent && change.verb == Verb::Upgrade {
        arguments.push("--install".into());
    }
    arguments.extend(change.helm.iter().cloned());
    let error = call.helm.command(change.verb.word(), arguments).exec();
    Err(Error::could_not(format!("could not run `{}`", call.helm.binary().display())).because(error))
}
