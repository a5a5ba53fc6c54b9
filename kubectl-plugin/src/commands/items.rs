//! `items`: lists and explains the items of the checklist.

use apimgmt::{
    Error, ExitCode,
    checklist::{self, select},
    report::{self, print},
};
use clap::{Args, Subcommand};

/// Flags of `items`.
#[derive(Debug, Args)]
pub(crate) struct Items {
    #[command(subcommand)]
    command: Option<ItemsCommand>,
}

#[derive(Debug, Subcommand)]
enum ItemsCommand {
    /// One line for each item
    List,
    /// Why items matter, what they read and what to do when they fail
    Explain {
        /// `pre`, `post`, sections or ids
        #[arg(required = true, value_name = "pre|post|SECTION|ID")]
        names: Vec<String>,
    },
    /// The page docs/items.md
    #[command(hide = true)]
    Document,
}

/// Prints the list or the explanation.
pub(crate) fn run(items: &Items) -> Result<ExitCode, Error> {
    match &items.command {
        None | Some(ItemsCommand::List) => print(&report::items::list(checklist::ALL))?,
        Some(ItemsCommand::Document) => print(&report::items::document(checklist::ALL))?,
        Some(ItemsCommand::Explain { names }) => print(&report::items::explain(&select(names)?))?,
    }
    Ok(ExitCode::Done)
}
