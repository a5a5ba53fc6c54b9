//! `waive`: sets an item aside that does not hold.

use apimgmt::{
    Error, ExitCode,
    report::{self, print},
    snapshot::sessions::{Statement, StatementKind},
    statement::{self, until},
};
use clap::Args;
use jiff::Timestamp;

use super::{NAMESPACE, one_item};
use crate::arguments::Global;

/// Longest reason.
const LONGEST: usize = 400;

/// Flags of `waive`.
#[derive(Debug, Args)]
pub(crate) struct Waive {
    /// Id of the item
    #[arg(value_name = "ID")]
    id: String,
    /// Why it may stay as it is
    #[arg(long, value_name = "TEXT", required_unless_present = "revoke")]
    reason: Option<String>,
    /// Until when: `2027-01-31`, a time, or a length of time such as `30d`; then it is a failure
    #[arg(long, value_name = "TIME", required_unless_present = "revoke")]
    until: Option<String>,
    /// Take former waivers of the item back; those in the chart's values stay
    #[arg(long, conflicts_with_all = ["reason", "until"])]
    revoke: bool,
}

/// Stores the waiver in the release's namespace.
pub(crate) async fn run(global: &Global, waive: Waive) -> Result<ExitCode, Error> {
    let item = one_item(&waive.id)?;
    let mut statement = Statement {
        kind: StatementKind::Waiver,
        item: item.to_owned(),
        revoked: waive.revoke,
        ..Statement::default()
    };
    if !waive.revoke {
        statement.text = waive.reason.unwrap_or_default();
        if statement.text.trim().is_empty() || statement.text.chars().count() > LONGEST {
            return Err(Error::usage(format!("the reason must have 1 to {LONGEST} characters"))
                .hint("a word on what is planned helps who reads it"));
        }
        statement.until = Some(until(waive.until.as_deref().unwrap_or_default(), Timestamp::now())?);
    }
    let connected = global.connection().connect().await?;
    let namespace = connected.namespace.unwrap_or_else(|| NAMESPACE.into());
    statement.by = statement::identity(&connected.client).await?;
    let object = statement::keep_statement(&connected.client, &namespace, &statement).await?;
    let by = report::escape(&statement.by);
    print(&match statement.until {
        Some(until) => format!("{by} waived {item} until {until}: {object} in {namespace}\n"),
        None => format!("{by} took back the waiver of {item}: {object} in {namespace}\n"),
    })?;
    Ok(ExitCode::Done)
}
