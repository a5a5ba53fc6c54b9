//! The application's database exists, with the encoding, the collation and the schema that the application needs.

use crate::{
    checklist::{Item, Phase, Severity, Stage, Verdict, clauses::Clauses, workload::roles},
    snapshot::{
        Snapshot, Source, Unreadable,
        roles::Role,
        sessions::{Login, Postgresql},
    },
    values::ExpectedDatabase,
};

/// The item.
pub const ITEM: Item = Item {
    id: "database/database",
    title: "The database exists with the schema that is needed",
    stage: Stage::Pre,
    phase: Phase::Application,
    severity: Severity::Blocking,
    why: "On another schema the application fails at its first query.",
    fix: "Run the migration again: `helm apimgmt upgrade`, or roll back with `kubectl apimgmt rollback`.",
    reads: &[
        Source::Postgresql,
        Source::Pods,
        Source::Deployments,
        Source::StatefulSets,
        Source::Services,
        Source::Expectations,
    ],
    judge,
};

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(server) = snapshot.postgresql()? else {
        return Ok(Verdict::unknown(
            "no workload plays the database, and `checklist.roles.database` declares none",
        ));
    };
    let database = if server.database.is_empty() {
        "?"
    } else {
        &server.database
    };
    let object = format!("database/{database}");
    if let Login::Refused { message } = &server.login {
        row.moving(Source::Postgresql, &object, "login", message);
        // PostgreSQL says so only after the password was accepted.
        if message.contains("database \"") && message.contains("does not exist") {
            row.breach(message.as_str());
        } else {
            row.unseen(format!("the application's credentials are refused: {message}"));
        }
        return Ok(row.verdict(""));
    }
    if let Some(words) = &server.exhausted {
        row.unseen(format!(
            "{} has no connection left for the application: {words}",
            server.object
        ));
        return Ok(row.verdict(""));
    }
    if let Some(expected) = row.read(snapshot.expectations()) {
        exists(&mut row, server, &object, &expected.database);
    }
    collation(&mut row, server, &object);
    let application = roles(&mut row, snapshot).application;
    schema(&mut row, server, &object, application.as_ref());
    let version = server.schema.as_ref().map(|schema| schema.version).unwrap_or_default();
    Ok(row.verdict(format!("{database}, {}, schema version {version}", server.encoding)))
}

fn exists(row: &mut Clauses<'_>, server: &Postgresql, object: &str, expected: &ExpectedDatabase) {
    row.stable(Source::Postgresql, object, "current_database()", &server.database);
    if server.database.is_empty() {
        row.unseen("the session did not tell its database");
    } else if server.database != expected.name {
        row.breach(format!(
            "the application uses database `{}`, not `{}`",
            server.database, expected.name
        ));
    }
    row.stable(Source::Postgresql, object, "encoding", &server.encoding);
    if server.encoding.is_empty() {
        row.unseen(format!("{object} did not tell its encoding"));
    } else if !server.encoding.eq_ignore_ascii_case(&expected.encoding) {
        row.breach(format!(
            "{object} has the encoding {}, not {}",
            server.encoding, expected.encoding
        ));
    }
}

/// Indexes on text are sorted by the collation that was there when they were built.
fn collation(row: &mut Clauses<'_>, server: &Postgresql, object: &str) {
    let none = "none";
    let recorded = server.collation_version.as_deref();
    let actual = server.collation_actual_version.as_deref();
    row.stable(
        Source::Postgresql,
        object,
        "collation version",
        format!(
            "recorded {}, actual {}",
            recorded.unwrap_or(none),
            actual.unwrap_or(none)
        ),
    );
    match (recorded, actual) {
        (Some(recorded), Some(actual)) if recorded == actual => {}
        (Some(recorded), Some(actual)) => row.breach(format!(
            "the collation version of {object} changed from {recorded} to {actual}: its text indexes may be wrong"
        )),
        // The collations C and POSIX have no versions.
        (None, None) => {}
        _ => row.unseen(format!("only one of the two collation versions of {object} is known")),
    }
}

fn schema(row: &mut Clauses<'_>, server: &Postgresql, object: &str, application: Option<&Role>) {
    let found = match (&server.schema, &server.schema_error) {
        (Some(found), _) => found,
        (None, Some(error)) => {
            row.unseen(format!("the schema version could not be asked: {error}"));
            return;
        }
        (None, None) => {
            row.breach(format!("{object} has no schema version: the migrations have not run"));
            return;
        }
    };
    row.stable(Source::Postgresql, object, "schema version", found.version);
    row.moving(Source::Postgresql, object, "dirty", found.dirty);
    if found.dirty {
        row.breach(format!(
            "a migration to version {} began and did not end",
            found.version
        ));
    }
    let Some(role) = application else {
        row.unseen("no workload plays the application, so nothing tells which schema it needs");
        return;
    };
    let bound = |row: &mut Clauses<'_>, end: &str| {
        let annotation = format!("apimgmt.io/schema-{end}");
        let text = role.annotations.get(&annotation);
        let number = text.and_then(|text| text.trim().parse::<i64>().ok());
        match (text, number) {
            (Some(text), Some(_)) => row.stable(source_of(role), &role.workload, &annotation, text),
            (Some(text), None) => row.unseen(format!("{annotation} of {} is `{text}`, no number", role.workload)),
            (None, _) => row.unseen(format!("{} has no annotation {annotation}", role.workload)),
        }
        number
    };
    let (minimum, maximum) = (bound(row, "minimum"), bound(row, "maximum"));
    if minimum.is_some_and(|minimum| found.version < minimum) {
        row.breach(format!(
            "schema version {} is older than {} needs ({})",
            found.version,
            role.workload,
            minimum.unwrap_or_default()
        ));
    }
    if maximum.is_some_and(|maximum| found.version > maximum) {
        row.breach(format!(
            "schema version {} is newer than {} can run on ({})",
            found.version,
            role.workload,
            maximum.unwrap_or_default()
        ));
    }
}

fn source_of(role: &Role) -> Source {
    match role.workload.split('/').next() {
        Some("statefulset") => Source::StatefulSets,
        Some("pod") => Source::Pods,
        _ => Source::Deployments,
    }
}
