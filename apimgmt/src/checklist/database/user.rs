//! The application's role can do its work and no more.

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
        login,
    },
    snapshot::{
        Snapshot, Source, Unreadable,
        sessions::{DatabaseRole, Postgresql},
    },
};

/// The item.
pub const ITEM: Item = Item {
    id: "database/user",
    title: "The application's role can do its work and no more",
    stage: Stage::Pre,
    phase: Phase::Database,
    severity: Severity::Blocking,
    why: "An over-powered role turns one injection into the loss of everything.",
    fix: "Grant or revoke what is named.",
    reads: &[Source::Postgresql, Source::Probes, Source::Expectations],
    judge,
};

/// The item whose probe logs in as the application does.
const LOGIN: &str = "database/instance";

fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    let Some(server) = snapshot.postgresql()? else {
        return Ok(Verdict::unknown(
            "no workload plays the database, and `checklist.roles.database` declares none",
        ));
    };
    login::judge(
        &mut row,
        snapshot,
        LOGIN,
        Source::Postgresql,
        &server.object,
        &server.login,
    );
    let Some(role) = &server.role else {
        row.unseen(untold(server));
        return Ok(row.verdict(""));
    };
    let object = format!("role/{}", role.name);
    too_much(&mut row, role, &object);
    if let Some(expected) = row.read(snapshot.expectations()) {
        let schemas = expected.database.privileges.schemas.join(", ");
        too_little(&mut row, role, &object, &schemas);
    }
    Ok(row.verdict(format!(
        "{} may read and write {}, and reaches nothing else",
        role.name,
        counted(usize::try_from(role.tables).unwrap_or_default(), "table")
    )))
}

fn untold(server: &Postgresql) -> String {
    let why = server.exhausted.as_ref().or_else(|| server.untold.get("role"));
    format!(
        "what the application's role may do was not told: {}",
        why.map_or("it has no session", String::as_str)
    )
}

fn too_much(row: &mut Clauses<'_>, role: &DatabaseRole, object: &str) {
    let none = |list: &[String]| {
        if list.is_empty() {
            "none".to_owned()
        } else {
            list.join(", ")
        }
    };
    row.stable(
        Source::Postgresql,
        object,
        "attributes and memberships beyond rows",
        none(&role.powers),
    );
    for power in &role.powers {
        row.breach(format!("{object} has too much: {power}"));
    }
    row.stable(
        Source::Postgresql,
        object,
        "other databases it may enter",
        none(&role.other_databases),
    );
    for database in &role.other_databases {
        row.breach(format!(
            "{object} may enter the database `{database}`: `revoke connect on database {database} from public`"
        ));
    }
    // Who owns a table may drop it; an application that migrates itself needs that, so it only warns.
    if role.owns_database {
        row.lesser(format!("{object} owns its database, so it may drop it"));
    }
    if role.owned_tables > 0 {
        let tables = counted(usize::try_from(role.owned_tables).unwrap_or_default(), "table");
        row.lesser(format!("{object} owns {tables}, so it may drop them"));
    }
    for schema in &role.creates_in {
        row.lesser(format!("{object} may create objects in the schema `{schema}`"));
    }
}

fn too_little(row: &mut Clauses<'_>, role: &DatabaseRole, object: &str, schemas: &str) {
    if role.tables == 0 {
        row.unseen(format!("there is no table in `{schemas}`, so nothing could be tried"));
        return;
    }
    if role.tried == 0 {
        row.unseen("`checklist.database.privileges.tables` names nothing that could be tried");
        return;
    }
    row.stable(
        Source::Postgresql,
        object,
        "statements tried and rolled back",
        format!(
            "{} on the tables of {schemas}, {} refused",
            role.tried,
            role.refused.len()
        ),
    );
    for refused in &role.refused {
        row.breach(format!("{object} is refused {refused}"));
    }
}
