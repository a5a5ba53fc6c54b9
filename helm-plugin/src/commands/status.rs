//! `helm apimgmt status`.

use apimgmt::{
    Error, ExitCode,
    release::status::Standing,
    report::{self, Form},
};

use crate::arguments::{Call, NAME};

pub(crate) async fn run(words: &[String]) -> Result<ExitCode, Error> {
    let call = Call::of(words)?;
    let release = call.line.names.first().map_or(NAME, String::as_str);
    let form = call.form()?;
    let connected = call.connect().await?;
    let driver = std::env::var("HELM_DRIVER").ok();
    let standing = Standing::of(
        &connected.client,
        &call.environment.namespace,
        release,
        driver.as_deref(),
    )
    .await?;
    report::print(&match form {
        Form::Json => report::json(&standing),
        Form::Yaml => report::yaml(&standing),
        Form::Table | Form::Short => report::release::status(&standing),
    })?;
    Ok(ExitCode::Done)
}
