//! `helm apimgmt template`: `helm template` itself, in our place, with our release and chart where none are named.

use std::os::unix::process::CommandExt;

use apimgmt::{Error, ExitCode, release::Helm};

use crate::arguments::{NAME, bundled_chart, environment};

pub(crate) fn run(words: &[String]) -> Result<ExitCode, Error> {
    let environment = environment();
    let helm = Helm::find(&environment, std::env::var_os("PATH").as_deref())?;
    // Only a command line without any name gets ours: which words are values of Helm's flags is Helm's to know.
    let mut arguments = words.to_vec();
    if names_nothing(words) {
        arguments.splice(0..0, [NAME.to_owned(), bundled_chart(&environment)?]);
    }
    let namespace = words
        .iter()
        .any(|word| word.starts_with("-n") || word.starts_with("--namespace"));
    let mut command = helm.command("template", arguments);
    if namespace {
        command = std::process::Command::new(helm.binary());
        command.arg("template").args(words);
    }
    let error = command.exec();
    Err(Error::could_not(format!("could not run `{}`", helm.binary().display())).because(error))
}

/// Whether no release and no chart are named, as far as the flags of `install` and a few of `template` tell.
fn names_nothing(words: &[String]) -> bool {
    const OF_TEMPLATE: [&str; 5] = ["--show-only", "-s", "--api-versions", "-a", "--kube-version"];
    let mut words = words.iter().peekable();
    let mut rest = Vec::new();
    while let Some(word) = words.next() {
        if OF_TEMPLATE.contains(&word.as_str()) {
            words.next();
        } else if !OF_TEMPLATE.iter().any(|flag| word.starts_with(&format!("{flag}="))) {
            rest.push(word.clone());
        }
    }
    match apimgmt::release::flags::sort(&rest) {
        Ok(line) => line.names.is_empty(),
        Err(_) => !rest.iter().any(|word| !word.starts_with('-')),
    }
}
