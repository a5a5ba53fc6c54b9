//! What `install` and `upgrade` share.

use std::{os::unix::process::CommandExt, path::Path};

use apimgmt::{
    Error, ExitCode,
    operation::{Consent, Interrupt},
    release::{Change, Verb, difference::SavedPlan, flags, values},
    report::{self, Form, change::table, progress::Progress},
};

use super::diff;
use crate::arguments::{Call, profiles};

pub(crate) async fn run(verb: Verb, words: &[String]) -> Result<ExitCode, Error> {
    let call = Call::of(words)?;
    let form = call.form()?;
    let rehearsal = call.line.last("dry-run").filter(|mode| *mode != "none");
    let mut change = match call.line.last("plan-file").filter(|_| rehearsal.is_none()) {
        Some(file) => saved(&call, Path::new(file))?,
        None => wanted(&call, verb)?,
    };
    if call.is_on("skip-hooks")? {
        change.helm.push("--no-hooks".into());
    } else {
        let files: Vec<_> = call.line.all("hooks").collect();
        change.options.hooks = values::hooks(&call.helm, change.chosen(), &files).await?;
    }
    match rehearsal {
        None => {}
        Some("true" | "server" | "unset") => {
            report::message(&change.plan(&call.environment.namespace, 0).to_string());
            return Box::pin(diff::show(&call, change)).await;
        }
        Some("client") => return rehearse(&call, &change),
        Some(other) => {
            return Err(Error::usage(format!("there is no `--dry-run={other}`")).hint("`client`, `server` or `none`"));
        }
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

fn wanted(call: &Call, verb: Verb) -> Result<Change, Error> {
    let (release, chart) = call.names()?;
    Ok(Change {
        verb,
        release,
        chart,
        helm: call.line.helm.clone(),
        profiles: call.profiles.clone(),
        options: call.options()?,
    })
}

/// A plan is applied as it was saved: nothing beside it may say what is applied.
fn saved(call: &Call, file: &Path) -> Result<Change, Error> {
    if let Some(word) = call.line.names.first().or(call.line.helm.first()) {
        let word = word.split('=').next().unwrap_or_default();
        return Err(Error::usage(format!(
            "`{word}` can't be given beside `--plan-file`: the plan says what is applied"
        ))
        .hint("make a new plan: `helm apimgmt diff --plan-file FILE`"));
    }
    let plan = SavedPlan::read(file)?;
    if plan.namespace != call.environment.namespace {
        return Err(Error::usage(format!(
            "the plan is for namespace {}, not {}",
            plan.namespace, call.environment.namespace
        ))
        .hint(format!("add `--namespace {}`", plan.namespace)));
    }
    let mut options = call.options()?;
    let line = flags::sort(&plan.flags)?;
    let profiles = profiles(&line)?;
    let (verb, release, chart) = (plan.verb, plan.release.clone(), plan.chart.clone());
    options.saved = Some(Box::new(plan));
    Ok(Change {
        verb,
        release,
        chart,
        helm: values::beneath(&profiles, &line.helm),
        profiles,
        options,
    })
}

/// Shows the plan, then lets Helm rehearse on its own, without a cluster: nothing is changed.
fn rehearse(call: &Call, change: &Change) -> Result<ExitCode, Error> {
    report::message(&change.plan(&call.environment.namespace, 0).to_string());
    let mut arguments = vec![change.release.clone(), change.chart.clone(), "--dry-run=client".into()];
    if change.options.install_if_absent && change.verb == Verb::Upgrade {
        arguments.push("--install".into());
    }
    arguments.extend(change.helm.iter().cloned());
    let error = call.helm.command(change.verb.word(), arguments).exec();
    Err(Error::could_not(format!("could not run `{}`", call.helm.binary().display())).because(error))
}
