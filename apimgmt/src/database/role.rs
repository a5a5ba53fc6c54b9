//! What the application's role may do: by the catalogue, and by trying in a transaction that is rolled back.
//!
//! A statement is tried with `EXPLAIN`: the server checks its permissions as for a real one and executes nothing, so
//! that even a read-only transaction can show that rows may be inserted.

use tokio_postgres::{Client, Row, Transaction, types::ToSql};

use super::{facts::read_only, session::in_words};
use crate::{
    snapshot::{hostile, sessions::DatabaseRole},
    values::ExpectedPrivileges,
};

/// Most tables whose privileges are tried.
const TABLES: i64 = 50;
/// Most names that are kept of one kind.
const NAMES: usize = 20;

/// The role and every role that it can act as. What a membership gives is counted whether it is inherited or not: `SET
/// ROLE` is enough.
const POWERS: &str = "
with recursive held as (
    select oid from pg_roles where rolname = current_user
    union select m.roleid from pg_auth_members m join held on m.member = held.oid)
select r.rolname::text, r.rolsuper, r.rolcreaterole, r.rolcreatedb, r.rolreplication, r.rolbypassrls, r.rolconnlimit::int8,
       r.rolname = current_user
from pg_roles r join held using (oid) order by r.rolname <> current_user, 1";

/// Roles of PostgreSQL's own that reach beyond the rows of one application
/// (<https://www.postgresql.org/docs/current/predefined-roles.html>).
const PREDEFINED: [&str; 9] = [
    "pg_checkpoint",
    "pg_create_subscription",
    "pg_execute_server_program",
    "pg_maintain",
    "pg_read_all_data",
    "pg_read_server_files",
    "pg_signal_backend",
    "pg_write_all_data",
    "pg_write_server_files",
];

const DATABASES: &str = "
select datname::text from pg_database
where datallowconn and datname <> current_database() and has_database_privilege(oid, 'connect') order by 1";

const OWNED: &str = "
select exists (select from pg_database d where d.datname = current_database() and pg_get_userbyid(d.datdba) = current_user),
       (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and n.nspname = any($1) and pg_get_userbyid(c.relowner) = current_user),
       (select coalesce(array_agg(nspname::text order by nspname), '{}') from pg_namespace
        where nspname = any($1) and has_schema_privilege(oid, 'create')),
       (select count(*) from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any($1))";

/// Tables with a column that may be set, the name once for SQL and once for people.
const CANDIDATES: &str = "
select format('%I.%I', n.nspname, c.relname), n.nspname || '.' || c.relname,
       (select quote_ident(a.attname) from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum limit 1)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind in ('r', 'p') and not c.relispartition and n.nspname = any($1) order by 1 limit $2";

/// Sequences behind columns' defaults: who may insert rows must be able to take a number.
const SEQUENCES: &str = "
select n.nspname || '.' || c.relname from pg_sequence s join pg_class c on c.oid = s.seqrelid join pg_namespace n on n.oid = c.relnamespace
where n.nspname = any($1) and not has_sequence_privilege(s.seqrelid, 'usage')
  and exists (select from pg_depend d where d.objid = s.seqrelid and d.deptype = 'a') order by 1 limit 20";

/// Reads and tries what the session's role may do.
///
/// # Errors
/// In words, when the server does not answer.
pub(crate) async fn role(client: &mut Client, expected: &ExpectedPrivileges) -> Result<DatabaseRole, String> {
    let told = async {
        let transaction = read_only(client).await?;
        let schemas: [&(dyn ToSql + Sync); 1] = [&expected.schemas];
        let candidates: [&(dyn ToSql + Sync); 2] = [&expected.schemas, &TABLES];
        let (powers, databases, owned, candidates, sequences) = futures::try_join!(
            transaction.query(POWERS, &[]),
            transaction.query(DATABASES, &[]),
            transaction.query_one(OWNED, &schemas),
            transaction.query(CANDIDATES, &candidates),
            transaction.query(SEQUENCES, &schemas),
        )?;
        let mut role = attributes(&powers)?;
        reach(&mut role, &databases, &owned)?;
        needs(&transaction, &mut role, &candidates, expected).await?;
        let inserts = |privilege: &String| privilege.eq_ignore_ascii_case("insert");
        for row in sequences.iter().filter(|_| expected.tables.iter().any(inserts)) {
            let sequence: &str = row.try_get(0)?;
            role.refused
                .push(hostile::line(&format!("USAGE on the sequence {sequence}")));
        }
        role.refused.truncate(NAMES);
        transaction.rollback().await?;
        Ok::<_, tokio_postgres::Error>(role)
    };
    told.await.map_err(|error| in_words(&error))
}

fn attributes(powers: &[Row]) -> Result<DatabaseRole, tokio_postgres::Error> {
    let mut role = DatabaseRole::default();
    for row in powers {
        let name = hostile::line(row.try_get(0)?);
        if row.try_get(7)? {
            role.name.clone_from(&name);
            role.connection_limit = row.try_get(6)?;
        }
        for (column, power) in [
            (1, "superuser"),
            (2, "createrole"),
            (3, "createdb"),
            (4, "replication"),
            (5, "bypassrls"),
        ] {
            if row.try_get(column)? {
                role.powers.push(format!("{power} of {name}"));
            }
        }
        if PREDEFINED.contains(&name.as_str()) {
            role.powers.push(name);
        }
    }
    role.powers.truncate(NAMES);
    Ok(role)
}

fn reach(role: &mut DatabaseRole, databases: &[Row], owned: &Row) -> Result<(), tokio_postgres::Error> {
    for row in databases.iter().take(NAMES) {
        role.other_databases.push(hostile::line(row.try_get(0)?));
    }
    role.owns_database = owned.try_get(0)?;
    role.owned_tables = owned.try_get(1)?;
    let creates: Vec<String> = owned.try_get(2)?;
    role.creates_in = creates.iter().map(|schema| hostile::line(schema)).collect();
    role.tables = owned.try_get(3)?;
    Ok(())
}

/// Tries every privilege on every table: those of one table at once, and one by one where that fails.
async fn needs(
    transaction: &Transaction<'_>,
    role: &mut DatabaseRole,
    candidates: &[Row],
    expected: &ExpectedPrivileges,
) -> Result<(), tokio_postgres::Error> {
    for row in candidates {
        let (table, shown): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let column: Option<String> = row.try_get(2)?;
        let reads_only = expected.read_only.contains(&shown);
        let statement = |privilege: &String| match privilege.to_ascii_uppercase().as_str() {
            "SELECT" => Some(format!("explain select from {table}")),
            _ if reads_only => None,
            "INSERT" => Some(format!("explain insert into {table} default values")),
            "UPDATE" => column
                .as_ref()
                .map(|column| format!("explain update {table} set {column} = default")),
            "DELETE" => Some(format!("explain delete from {table}")),
            _ => None,
        };
        let statements: Vec<_> = expected
            .tables
            .iter()
            .filter_map(|privilege| Some((privilege, statement(privilege)?)))
            .collect();
        role.tried += i64::try_from(statements.len()).unwrap_or(i64::MAX);
        let all: Vec<_> = statements.iter().map(|(_, statement)| statement.as_str()).collect();
        if refusal_of(transaction, &all.join("; ")).await?.is_none() {
            continue;
        }
        for (privilege, statement) in &statements {
            if let Some(refusal) = refusal_of(transaction, statement).await? {
                role.refused
                    .push(hostile::line(&format!("{privilege} on {shown}: {refusal}")));
            }
        }
    }
    Ok(())
}

/// Tries a statement and takes it back; the server's refusal, when it refuses. A lost session is an error.
async fn refusal_of(transaction: &Transaction<'_>, statement: &str) -> Result<Option<String>, tokio_postgres::Error> {
    let tried = format!("savepoint tried; {statement}; release tried");
    let Err(error) = transaction.batch_execute(&tried).await else {
        return Ok(None);
    };
    let Some(said) = error.as_db_error().map(|said| said.message().to_owned()) else {
        return Err(error);
    };
    transaction.batch_execute("rollback to tried").await?;
    Ok(Some(said))
}
