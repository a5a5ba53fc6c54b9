//! `helm apimgmt template`: `helm template` itself, in our place, with our release and chart where none are named.

use std::os::unix::process::CommandExt;

use apimgmt::{
    Error, ExitCode,
    release::{
        Helm,
        flags::{self, Sorted},
        values::{beneath, origins},
    },
    report,
};

use crate::arguments::{Call, NAME, bundled_chart, environment, profiles};

/// The switch that asks for values instead of objects.
pub(crate) const SHOW_ORIGIN: &str = "--show-origin";

/// A rendering ends before its garbage is worth collecting, which takes a quarter of its time; a chart that needs more than
/// this much memory has it collected.
const COLLECT_LATE: [(&str, &str); 2] = [("GOGC", "off"), ("GOMEMLIMIT", "1GiB")];

/// Hands on to Helm, with rendered profiles beneath its values files.
pub(crate) fn run(words: &[String]) -> Result<ExitCode, Error> {
    let environment = environment();
    let helm = Helm::find(&environment, std::env::var_os("PATH").as_deref())?;
    let (ours, words) = ours(words)?;
    let profiles = profiles(&ours)?;
    let mut arguments = beneath(&profiles, &words);
    // Only a command line without any name gets ours: which words are values of Helm's flags is Helm's to know.
    if names_nothing(&words) {
        arguments.splice(0..0, [NAME.to_owned(), bundled_chart(&environment)?]);
    }
    let namespace = words
        .iter()
        .any(|word| word.starts_with("-n") || word.starts_with("--namespace"));
    let mut command = if namespace {
        let mut command = std::process::Command::new(helm.binary());
        command.arg("template").args(arguments);
        command
    } else {
        helm.command("template", arguments)
    };
    command.envs(
        COLLECT_LATE
            .into_iter()
            .filter(|(name, _)| std::env::var_os(name).is_none()),
    );
    let error = command.exec();
    Err(Error::could_not(format!("could not run `{}`", helm.binary().display())).because(error))
}

/// Shows the merged values, each with where it comes from.
pub(crate) async fn show_origin(words: &[String]) -> Result<ExitCode, Error> {
    let call = Call::of(words)?;
    let (_, chart) = call.names()?;
    report::print(&origins(&call.helm, &chart, call.chosen()).await?)?;
    Ok(ExitCode::Done)
}

/// What is ours among the words, and what is Helm's, whose flags here are more than those of `install`.
fn ours(words: &[String]) -> Result<(Sorted, Vec<String>), Error> {
    const OURS: [&str; 2] = ["--profile", "--env"];
    let (mut own, mut helms) = (Vec::new(), Vec::new());
    let mut words = words.iter();
    while let Some(word) = words.next() {
        if OURS.contains(&word.as_str()) {
            own.push(word.clone());
            own.extend(words.next().cloned());
        } else if OURS.iter().any(|flag| word.starts_with(&format!("{flag}="))) {
            own.push(word.clone());
        } else {
            helms.push(word.clone());
        }
    }
    Ok((flags::sort(&own)?, helms))
}

/// Whether no release and no chart are named, as far as the flags of `install` and a few of `template` tell.
fn names_nothing(words: &[String]) -> bool {
    const OF_TEMPLATE: [&str; 2] = ["--show-only", "-s"];
    let mut words = words.iter().peekable();
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        if OF_TEMPLATE.contains(&word.as_str()) {
            words.next();
        } else if !OF_TEMPLATE.iter().any(|flag| word.starts_with(&format!("{flag}="))) {
            rest.push(word.clone());
        }
    }
    match flags::sort(&rest) {
        Ok(line) => line.names.is_empty(),
        Err(_) => !rest.iter().any(|word| !word.starts_with('-')),
    }
}
