//! `helm apimgmt test`: `helm test` with the logs of the tests, and an exit code that tells a failed test from a broken Helm.

use apimgmt::{Error, ExitCode, report};

use crate::arguments::{Call, NAME};

pub(crate) async fn run(words: &[String]) -> Result<ExitCode, Error> {
    let call = Call::of(words)?;
    let release = call.line.names.first().map_or(NAME, String::as_str);
    let mut arguments = vec![release.to_owned(), "--logs".to_owned()];
    arguments.extend(call.line.helm.iter().cloned());
    let ended = call.helm.start("test", &arguments)?.end().await?;
    report::print(&report::text::escape_lines(&ended.output))?;
    if ended.success {
        return Ok(ExitCode::Done);
    }
    // Helm shows the state of each test that it ran.
    let code = if ended.output.contains("Phase:") {
        ExitCode::Wrong
    } else {
        ExitCode::CouldNot
    };
    Err(Error::new(code, format!("a test of release/{release} failed"))
        .because(ended.errors)
        .hint(format!(
            "`kubectl apimgmt troubleshoot -n {}` names the cause",
            call.environment.namespace
        )))
}
