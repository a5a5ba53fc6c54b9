//! `helm apimgmt diff`, and the difference that `--dry-run` of a change shows.

use std::path::Path;

use apimgmt::{
    Error, ExitCode,
    release::{Change, Verb},
    report::{self, Form},
};

use crate::arguments::Call;

pub(crate) async fn run(words: &[String]) -> Result<ExitCode, Error> {
    let call = Call::of(words)?;
    let (release, chart) = call.names()?;
    let mut options = call.options()?;
    options.install_if_absent = true;
    let change = Change {
        verb: Verb::Upgrade,
        release,
        chart,
        helm: call.line.helm.clone(),
        profiles: call.profiles.clone(),
        options,
    };
    show(&call, change).await
}

/// Shows what it would change, and saves the plan where one is asked for.
pub(crate) async fn show(call: &Call, change: Change) -> Result<ExitCode, Error> {
    let form = call.form()?;
    let connected = call.connect().await?;
    let compared = change.compare(&call.environment, &connected, &call.helm).await?;
    report::print(&match form {
        Form::Json => report::json(&compared.difference),
        Form::Yaml => report::yaml(&compared.difference),
        Form::Table | Form::Short => report::difference::table(&compared.difference),
    })?;
    let changes = !compared.difference.is_empty();
    if let Some(file) = call.line.last("plan-file") {
        let plan = compared.plan(&call.environment, &connected, &call.helm).await?;
        plan.write(Path::new(file))?;
        let verb = plan.verb.word();
        report::message(&format!(
            "`helm apimgmt {verb} --plan-file {file}` does just this, as long as nothing moves"
        ));
    }
    let told = call.is_on("exit-code")? && changes;
    Ok(if told { ExitCode::Wrong } else { ExitCode::Done })
}
