//! `helm apimgmt check`.

use apimgmt::{
    Error, ExitCode,
    release::check::check,
    report::{self, Form, progress::Progress},
};

use crate::arguments::Call;

pub(crate) async fn run(words: &[String]) -> Result<ExitCode, Error> {
    let call = Call::of(words)?;
    let (release, chart) = call.names()?;
    let form = call.form()?;
    let connected = if call.is_on("offline")? {
        None
    } else {
        Some(call.connect().await?)
    };
    let aside = call.aside()?;
    let progress = Progress::on_standard_error();
    let checked = check(
        &call.helm,
        (&release, &chart),
        call.chosen(),
        &aside,
        connected.as_ref(),
        &progress,
    )
    .await?;
    report::print(&match form {
        Form::Json => report::json(&checked),
        Form::Yaml => report::yaml(&checked),
        Form::Table | Form::Short => report::release::check(&checked),
    })?;
    Ok(checked.code())
}
