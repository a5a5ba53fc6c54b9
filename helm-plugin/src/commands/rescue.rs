//! `helm apimgmt rescue`.

use std::io;

use apimgmt::{
    Error, ExitCode,
    operation::Consent,
    release::rescue::{QUIET, Rescue},
    report::{self, Form, progress::Progress},
};

use crate::arguments::{Call, NAME};

pub(crate) async fn run(words: &[String]) -> Result<ExitCode, Error> {
    let call = Call::of(words)?;
    let form = call.form()?;
    let rescue = Rescue {
        release: call.line.names.first().map_or(NAME, String::as_str).to_owned(),
        quiet: call.span("quiet", QUIET)?,
        patience: call.options()?.gate_timeout,
        driver: std::env::var("HELM_DRIVER").ok(),
    };
    let connected = call.connect().await?;
    let found = rescue.look(&connected, &call.environment.namespace).await?;
    let progress = Progress::on_standard_error();
    let consent = match &found.plan {
        None => Consent::by_verb(),
        Some(plan) => {
            report::message(&format!("{plan}  nobody works on it: {}", found.told));
            if call.line.last("dry-run").is_some_and(|mode| mode != "none") {
                return Ok(ExitCode::Done);
            }
            match Consent::by_flag(call.is_on("yes")?) {
                Some(consent) => consent,
                None => Consent::ask("yes", &mut io::stdin().lock(), &mut io::stderr().lock())?,
            }
        }
    };
    let outcome = rescue
        .run(&call.environment, &connected, &call.helm, (found, consent), &progress)
        .await?;
    report::print(&match form {
        Form::Json => report::json(&outcome),
        Form::Yaml => report::yaml(&outcome),
        Form::Table | Form::Short => format!("{}\n", report::escape(&outcome.message)),
    })?;
    Ok(outcome.code())
}
