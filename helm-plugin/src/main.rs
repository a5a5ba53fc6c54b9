//! `helm apimgmt`: installs and upgrades the API management platform through gated phases.

mod arguments;
mod commands;
mod help;

use std::process::ExitCode;

use apimgmt::{Error, report, suggestion::nearest};

const VERBS: [&str; 9] = [
    "install",
    "upgrade",
    "diff",
    "check",
    "template",
    "test",
    "status",
    "rescue",
    "uninstall",
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let (verb, rest) = arguments::verb(&words);
    let outcome = match verb {
        None | Some("help") => report::print(help::OVERVIEW).map(|()| apimgmt::ExitCode::Done),
        Some(verb) if !VERBS.contains(&verb) => Err(unknown(verb)),
        // Helm takes our place: nothing of ours is started.
        Some("template") if !arguments::asks_for_help(&rest) && !asks_for_origin(&rest) => {
            commands::template::run(&rest)
        }
        Some(verb) => run(verb, &rest),
    };
    outcome
        .unwrap_or_else(|error| {
            report::error(&error);
            error.code()
        })
        .into()
}

fn run(verb: &str, rest: &[String]) -> Result<apimgmt::ExitCode, Error> {
    if arguments::asks_for_help(rest) {
        return report::print(help::of(verb)).map(|()| apimgmt::ExitCode::Done);
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Error::could_not("could not start").because(error))?;
    let outcome = runtime.block_on(async {
        match verb {
            "install" => Box::pin(commands::install::run(rest)).await,
            "upgrade" => Box::pin(commands::upgrade::run(rest)).await,
            "diff" => Box::pin(commands::diff::run(rest)).await,
            "check" => Box::pin(commands::check::run(rest)).await,
            "template" => Box::pin(commands::template::show_origin(rest)).await,
            "status" => commands::status::run(rest).await,
            "rescue" => Box::pin(commands::rescue::run(rest)).await,
            "test" => commands::test::run(rest).await,
            _ => commands::uninstall::run(rest).await,
        }
    });
    // Watches and heartbeats that still wait for an answer must not hold the end up.
    runtime.shutdown_background();
    outcome
}

fn asks_for_origin(words: &[String]) -> bool {
    words.iter().any(|word| word == commands::template::SHOW_ORIGIN)
}

fn unknown(verb: &str) -> Error {
    let error = Error::usage(format!("there is no command `{verb}`"));
    match nearest(verb, VERBS) {
        Some(near) => error.hint(format!("did you mean `helm apimgmt {near}`?")),
        None => error.hint("`helm apimgmt --help` lists the commands"),
    }
}
