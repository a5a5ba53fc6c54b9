//! `helm apimgmt uninstall`.

use std::io;

use apimgmt::{
    Error, ExitCode,
    operation::{Consent, Interrupt},
    release::uninstall::Belongings,
    report::{self, progress::Progress},
};

use crate::arguments::{Call, NAME};

pub(crate) async fn run(words: &[String]) -> Result<ExitCode, Error> {
    let call = Call::of(words)?;
    let release = call.line.names.first().map_or(NAME, String::as_str);
    let (delete_data, yes) = (call.is_on("delete-data")?, call.is_on("yes")?);
    let connected = call.connect().await?;
    let driver = std::env::var("HELM_DRIVER").ok();
    let belongings = Belongings::of(
        &connected.client,
        &call.environment.namespace,
        release,
        driver.as_deref(),
    )
    .await?;
    report::message(&belongings.plan(delete_data).to_string());
    if call.line.last("dry-run").is_some_and(|mode| mode != "none") {
        return Ok(ExitCode::Done);
    }
    let consent = if delete_data {
        match Consent::by_name(yes, call.line.last("confirm"), release) {
            Some(consent) => consent,
            None if yes => {
                return Err(
                    Error::usage("what holds data is deleted only by name, and nothing was changed")
                        .hint(format!("add `--confirm {release}`")),
                );
            }
            None => Consent::ask(release, &mut io::stdin().lock(), &mut io::stderr().lock())?,
        }
    } else {
        Consent::by_verb()
    };
    let (progress, interrupt) = (Progress::on_standard_error(), Interrupt::listen());
    belongings
        .remove(
            &connected.client,
            &call.helm,
            delete_data,
            consent,
            (&progress, &interrupt),
        )
        .await
}
