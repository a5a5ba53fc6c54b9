//! Whether the application's credentials are proven: on the session's own path, or by a probe from a pod that stands
//! where the application stands.
//!
//! The probe is a result of `--active` for the same item: its value `login` is `proven` when a wrong password was
//! refused and the right one accepted through the service that the application uses.

use super::{clauses::Clauses, probe};
use crate::snapshot::{Snapshot, Source, sessions::Login};

/// Judges the credentials of a session to `object`.
pub(super) fn judge(
    row: &mut Clauses<'_>,
    snapshot: &Snapshot,
    item: &str,
    source: Source,
    object: &str,
    login: &Login,
) {
    let said = match login {
        Login::Proven => "a wrong password is refused, the right one accepted",
        Login::Trusted => "any password is accepted on this path",
        Login::Refused { .. } => "refused",
        Login::Untried => "not tried with a wrong password",
    };
    row.moving(source, object, "login", said);
    match login {
        Login::Proven => {}
        Login::Refused { message } => row.breach(format!("{object} refuses the application's credentials: {message}")),
        // What the session itself cannot show, a probe can.
        Login::Trusted | Login::Untried => proven_by_probe(row, snapshot, item),
    }
}

fn proven_by_probe(row: &mut Clauses<'_>, snapshot: &Snapshot, item: &str) {
    let Some(result) = probe::fresh(row, snapshot, item).into_iter().next() else {
        return;
    };
    probe::taken(row, result);
    match result.values.get("login").map(String::as_str) {
        Some("proven") => {}
        Some(other) => row.breach(format!("the probe's login was {other}")),
        None if result.passed => row.unseen("the probe does not say whether a wrong password is refused"),
        None => {}
    }
}
