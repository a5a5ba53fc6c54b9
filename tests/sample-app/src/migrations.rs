//! Brings the schema to a version, one embedded SQL file after the other.
use std::{ops::RangeInclusive, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, sleep},
};
use tokio_postgres::{Client, Config, IsolationLevel, NoTls, error::SqlState};
use tracing::{info, warn};

use crate::{database, dependencies};

/// Every migration, with the version that it leads to.
const MIGRATIONS: [(i64, &str); 2] = [
    (1, include_str!("../migrations/1_apis.sql")),
    (2, include_str!("../migrations/2_apis_times.sql")),
];

/// The newest schema version that this release knows.
pub(crate) const LATEST: i64 = MIGRATIONS[MIGRATIONS.len() - 1].0;

/// Any number that no other application locks: "apimgmt" in ASCII.
const ADVISORY_LOCK: i64 = 0x61_7069_6d67_6d74;

const RETRY: Duration = Duration::from_secs(1);

/// Why a migration did not happen.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MigrationError {
    #[error("can't connect to the database: {0}")]
    Connect(String),
    #[error(
        "schema version {version} failed and is marked dirty: {why}\nhint: it ran in one transaction and left nothing behind; repair the cause and migrate again"
    )]
    Failed { version: i64, why: String },
    #[error(
        "the schema has version {found}, newer than {newest}, the newest that this release runs on\nhint: migrations never go back; restore a backup, or use the newer release"
    )]
    Newer { found: i64, newest: i64 },
    #[error("unknown schema version {0}\nhint: this release knows 1 to {LATEST}")]
    Unknown(i64),
    #[error("{what}: {why}")]
    Query { what: &'static str, why: String },
}

fn query(what: &'static str) -> impl Fn(tokio_postgres::Error) -> MigrationError {
    move |error| MigrationError::Query {
        what,
        why: dependencies::describe(&error),
    }
}

/// What table `schema_migrations` says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SchemaState {
    Absent,
    Dirty(i64),
    Version(i64),
}

impl SchemaState {
    /// The version, if a release with this range can run on it.
    pub(crate) fn judge(self, range: &RangeInclusive<i64>) -> Result<i64, String> {
        let (first, last) = (range.start(), range.end());
        match self {
            Self::Absent => Err("the schema is absent, no migration has run".to_owned()),
            Self::Dirty(version) => Err(format!(
                "schema version {version} is dirty, its migration failed or still runs"
            )),
            Self::Version(version) if range.contains(&version) => Ok(version),
            Self::Version(version) => Err(format!(
                "schema version {version}, but this release needs {first} to {last}"
            )),
        }
    }
}

/// Reads the schema's state.
pub(crate) async fn state(client: &Client) -> Result<SchemaState, tokio_postgres::Error> {
    let row = client
        .query_opt(
            "select version, dirty from schema_migrations order by version desc limit 1",
            &[],
        )
        .await;
    match row {
        Ok(None) => Ok(SchemaState::Absent),
        Ok(Some(row)) if row.get(1) => Ok(SchemaState::Dirty(row.get(0))),
        Ok(Some(row)) => Ok(SchemaState::Version(row.get(0))),
        Err(error) if error.code() == Some(&SqlState::UNDEFINED_TABLE) => Ok(SchemaState::Absent),
        Err(error) => Err(error),
    }
}

/// What `migrate` is to do.
pub(crate) struct Order<'a> {
    pub(crate) database: &'a Config,
    pub(crate) target: i64,
    /// The newest version that this release runs on; a schema up to here is left as it is.
    pub(crate) newest: i64,
    /// Roles that get what they need of the tables, where they exist.
    pub(crate) app_role: &'a str,
    pub(crate) monitor_role: &'a str,
    /// How long to wait for a database that does not answer yet.
    pub(crate) wait: Duration,
}

/// Migrates up to the target under an advisory lock; does nothing if the schema is there.
pub(crate) async fn migrate(order: &Order<'_>) -> Result<(), MigrationError> {
    if !(1..=LATEST).contains(&order.target) {
        return Err(MigrationError::Unknown(order.target));
    }
    let (mut client, connection) = connect(order).await?;
    // A lock of the session: the server lets go of it when this process ends, however it ends.
    client
        .execute("select pg_advisory_lock($1)", &[&ADVISORY_LOCK])
        .await
        .map_err(query("can't lock the schema"))?;
    let result = migrate_locked(&mut client, order).await;
    drop(client);
    // The connection's own error, if any, has already reached the client.
    let _ = connection.await;
    result
}

type Connection = JoinHandle<Result<(), tokio_postgres::Error>>;

/// Connects, trying again while there is no server or while it starts. Whatever a running server refuses is final.
async fn connect(order: &Order<'_>) -> Result<(Client, Connection), MigrationError> {
    let deadline = Instant::now() + order.wait;
    loop {
        let error = match order.database.connect(NoTls).await {
            Ok((client, connection)) => return Ok((client, tokio::spawn(connection))),
            Err(error) => error,
        };
        let why = dependencies::describe_connection(&error, &database::target(order.database));
        let may_pass = error.code().is_none_or(|code| *code == SqlState::CANNOT_CONNECT_NOW);
        if !may_pass || Instant::now() + RETRY > deadline {
            return Err(MigrationError::Connect(why));
        }
        warn!(error = why, retry_in = ?RETRY, "database can't be used yet");
        sleep(RETRY).await;
    }
}

async fn migrate_locked(client: &mut Client, order: &Order<'_>) -> Result<(), MigrationError> {
    let done = match state(client).await.map_err(query("can't read schema_migrations"))? {
        SchemaState::Absent => 0,
        SchemaState::Dirty(version) => {
            warn!(version, "schema is dirty: its migration failed before, trying again");
            version - 1
        }
        SchemaState::Version(version) => version,
    };
    if done > order.newest.max(order.target) {
        return Err(MigrationError::Newer {
            found: done,
            newest: order.newest,
        });
    }
    if done >= order.target {
        info!(version = done, "schema is there, nothing to migrate");
        return Ok(());
    }
    client
        .batch_execute(
            "create table if not exists schema_migrations (version bigint primary key, dirty boolean not null)",
        )
        .await
        .map_err(query("can't create schema_migrations"))?;
    for (version, sql) in MIGRATIONS {
        if version > done && version <= order.target {
            run(client, version, sql).await?;
            info!(version, "schema migrated");
        }
    }
    grant(client, order)
        .await
        .map_err(query("can't grant the application its rights"))
}

/// One migration: marked dirty first, and clean in the very transaction that it runs in.
async fn run(client: &mut Client, version: i64, sql: &str) -> Result<(), MigrationError> {
    client
        .execute(
            "insert into schema_migrations values ($1, true) on conflict (version) do update set dirty = true",
            &[&version],
        )
        .await
        .map_err(query("can't mark the schema dirty"))?;
    let transactional = async {
        let transaction = client
            .build_transaction()
            .isolation_level(IsolationLevel::ReadCommitted)
            .start()
            .await?;
        transaction.batch_execute(sql).await?;
        transaction
            .execute(
                "update schema_migrations set dirty = false where version = $1",
                &[&version],
            )
            .await?;
        transaction.commit().await
    };
    transactional.await.map_err(|error| MigrationError::Failed {
        version,
        why: dependencies::describe(&error),
    })
}

async fn grant(client: &Client, order: &Order<'_>) -> Result<(), tokio_postgres::Error> {
    let statements = [
        (order.app_role, "select, insert, update, delete on table apis"),
        (order.app_role, "select on table schema_migrations"),
        (order.monitor_role, "select on table schema_migrations"),
    ];
    for (role, rights) in statements {
        let exists = "select quote_ident(rolname) from pg_roles where rolname = $1 and rolname <> current_user";
        if let Some(row) = client.query_opt(exists, &[&role]).await? {
            let quoted: String = row.get(0);
            client.batch_execute(&format!("grant {rights} to {quoted}")).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_outside_of_the_range_says_which_one_is_needed() {
        assert_eq!(SchemaState::Version(2).judge(&(1..=2)), Ok(2));
        let why = SchemaState::Version(2).judge(&(1..=1)).unwrap_err();
        assert_eq!(why, "schema version 2, but this release needs 1 to 1");
    }

    #[test]
    fn a_dirty_or_absent_schema_is_never_fit() {
        assert!(SchemaState::Dirty(2).judge(&(1..=2)).unwrap_err().contains("dirty"));
        assert!(SchemaState::Absent.judge(&(1..=2)).unwrap_err().contains("absent"));
    }
}
