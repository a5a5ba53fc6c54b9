//! `items`: lists and explains the items of the checklist.

use std::collections::BTreeSet;

use apimgmt::{
    Error, ExitCode,
    checklist::{self, select, sources},
    diagnoses,
    probe::{self, Probe},
    report::{self, print, rbac::Subject},
    snapshot::permission::Permissions,
    values::rules,
};
use clap::{Args, Subcommand};

use crate::arguments::Global;

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
    /// The least privilege that judging items takes, as roles to apply
    Rbac {
        /// `pre`, `post`, sections or ids; all items when none is named
        #[arg(value_name = "pre|post|SECTION|ID")]
        names: Vec<String>,
        /// Bind the roles as well: `user:NAME`, `group:NAME` or `serviceaccount:NAMESPACE:NAME`
        #[arg(long, value_name = "SUBJECT")]
        to: Option<Subject>,
        /// Also what `verify --watch` takes
        #[arg(long)]
        watch: bool,
        /// Also what `verify --active` takes
        #[arg(long)]
        active: bool,
        /// Also what `verify --load` takes
        #[arg(long)]
        load: bool,
        /// Where the probe from outside stands: `checklist.network.outsideNamespace`
        #[arg(long, value_name = "NAMESPACE", default_value = "default")]
        outside: String,
    },
    /// The page docs/items.md
    #[command(hide = true)]
    Document,
    /// The page docs/rules.md
    #[command(hide = true)]
    RulesDocument,
    /// The page docs/diagnoses.md
    #[command(hide = true)]
    DiagnosesDocument,
}

/// Prints the list or the explanation.
pub(crate) fn run(global: &Global, items: &Items) -> Result<ExitCode, Error> {
    match &items.command {
        None | Some(ItemsCommand::List) => print(&report::items::list(checklist::ALL))?,
        Some(ItemsCommand::RulesDocument) => print(&report::rules::document(rules::ALL))?,
        Some(ItemsCommand::DiagnosesDocument) => print(&report::diagnoses::document(diagnoses::ALL))?,
        Some(ItemsCommand::Document) => print(&report::items::document(checklist::ALL))?,
        Some(ItemsCommand::Rbac {
            names,
            to,
            watch,
            active,
            load,
            outside,
        }) => {
            let items = select(names)?;
            let mut read = sources(&items);
            let mut probes = BTreeSet::new();
            if *active {
                probes = Probe::of_items(&items);
                read.extend(Probe::reads());
            }
            if *load {
                read.extend(probe::load_reads());
            }
            let mut permissions = Permissions::of(&read, *watch);
            probe::permit(&probes, *load, &mut permissions);
            print(&report::rbac::manifest(
                &permissions,
                &global.named_namespace(),
                outside,
                to.as_ref(),
            ))?;
        }
        Some(ItemsCommand::Explain { names }) => print(&report::items::explain(&select(names)?))?,
    }
    Ok(ExitCode::Done)
}
