//! What a session to PostgreSQL is asked: read-only transactions with a time limit. Questions that do not rest on each
//! other are sent at once, since the way to the server is longer than its answers take.

use jiff::Timestamp;
use serde_json::Value;
use tokio_postgres::{Client, Row, Transaction};

use super::session::in_words;
use crate::snapshot::{
    hostile,
    sessions::{Postgresql, Replica, SchemaVersion},
};

/// One row of what every role may see. Names of newer versions are asked by way of JSON, so that older servers answer too.
const SERVER: &str = "
select current_setting('server_version_num')::int4, current_setting('server_version'), pg_is_in_recovery(),
       pg_postmaster_start_time(), current_database()::text, pg_encoding_to_char(d.encoding)::text,
       to_jsonb(d) ->> 'datcollversion', current_setting('max_connections')::int8,
       (select coalesce(sum(numbackends), 0)::int8 from pg_stat_database), current_user::text,
       pg_has_role(current_user, 'pg_read_all_stats', 'usage')
from pg_database d where d.datname = current_database()";

/// Since PostgreSQL 15 the database itself has a collation version.
const ACTUAL_COLLATION: &str =
    "select pg_database_collation_actual_version(oid) from pg_database where datname = current_database()";

const REPLICAS: &str = "
select coalesce(application_name, ''), coalesce(state, ''), extract(epoch from replay_lag)::float8,
       pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_receive_lsn() else pg_current_wal_lsn() end, replay_lsn)::int8
from pg_stat_replication order by 1";

/// Reads what is known of the server and of the schema.
///
/// # Errors
/// In words, when the server does not answer the questions that every role may ask.
pub(crate) async fn read(client: &mut Client, schema_query: &str) -> Result<Postgresql, String> {
    let mut facts = server(client).await.map_err(|error| in_words(&error))?;
    match schema(client, schema_query).await {
        Ok(schema) => facts.schema = schema,
        Err(error) => facts.schema_error = Some(error),
    }
    Ok(facts)
}

pub(super) async fn read_only(client: &mut Client) -> Result<Transaction<'_>, tokio_postgres::Error> {
    let transaction = client.build_transaction().read_only(true).start().await?;
    transaction
        .batch_execute("set local statement_timeout = '5s'; set local lock_timeout = '2s'")
        .await?;
    Ok(transaction)
}

async fn server(client: &mut Client) -> Result<Postgresql, tokio_postgres::Error> {
    let transaction = read_only(client).await?;
    let (row, rows) = futures::try_join!(transaction.query_one(SERVER, &[]), transaction.query(REPLICAS, &[]))?;
    let version_number: i32 = row.try_get(0)?;
    let sees_all: bool = row.try_get(10)?;
    let collation_actual_version = if version_number >= 150_000 {
        transaction.query_one(ACTUAL_COLLATION, &[]).await?.try_get(0)?
    } else {
        None
    };
    let replicas = rows.iter().map(replica).collect::<Result<Vec<_>, _>>()?;
    Ok(Postgresql {
        version_number: u32::try_from(version_number).unwrap_or_default(),
        version: row.try_get(1)?,
        in_recovery: row.try_get(2)?,
        started_at: row.try_get::<_, Option<Timestamp>>(3)?,
        database: row.try_get(4)?,
        encoding: row.try_get(5)?,
        collation_version: row.try_get(6)?,
        collation_actual_version,
        max_connections: row.try_get(7)?,
        connections: row.try_get(8)?,
        user: row.try_get(9)?,
        // Without the right to see them a replica is a row of blanks; no row at all is a fact for everybody.
        replicas: (sees_all || replicas.is_empty()).then_some(replicas),
        ..Postgresql::default()
    })
}

/// The replicas, for a role that may see them; `None` for one that may not.
///
/// # Errors
/// In words, when the server does not answer.
pub(crate) async fn replicas(client: &mut Client) -> Result<Option<Vec<Replica>>, String> {
    let told = async {
        let transaction = read_only(client).await?;
        let sees_all = "select pg_has_role(current_user, 'pg_read_all_stats', 'usage')";
        if !transaction.query_one(sees_all, &[]).await?.try_get(0)? {
            return Ok(None);
        }
        let rows = transaction.query(REPLICAS, &[]).await?;
        rows.iter().map(replica).collect::<Result<_, _>>().map(Some)
    };
    told.await.map_err(|error: tokio_postgres::Error| in_words(&error))
}

fn replica(row: &Row) -> Result<Replica, tokio_postgres::Error> {
    Ok(Replica {
        name: hostile::line(row.try_get(0)?),
        state: row.try_get(1)?,
        lag_seconds: row.try_get(2)?,
        lag_bytes: row.try_get(3)?,
    })
}

/// The schema query's first row as `version, dirty`, whatever types it gives them.
async fn schema(client: &mut Client, query: &str) -> Result<Option<SchemaVersion>, String> {
    let query = query.trim().trim_end_matches(';');
    if query.is_empty() {
        return Ok(None);
    }
    let row = async {
        let transaction = read_only(client).await?;
        // The query comes from the cluster's values: the server takes no second statement here, and writes nothing.
        let whole = format!("select row_to_json(asked)::text from (\n{query}\n) asked limit 1");
        let row = transaction.query_opt(&whole, &[]).await?;
        row.map(|row| row.try_get::<_, String>(0)).transpose()
    };
    let Some(text) = row.await.map_err(|error| in_words(&error))? else {
        return Ok(None);
    };
    let not_a_version = || format!("the schema query gave no version: {}", hostile::line(&text));
    let columns: serde_json::Map<String, Value> = serde_json::from_str(&text).map_err(|_| not_a_version())?;
    let mut values = columns.values();
    let version = match values.next() {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.trim().parse().ok(),
        _ => None,
    };
    let dirty = match values.next() {
        Some(Value::Bool(dirty)) => *dirty,
        Some(Value::String(text)) => matches!(text.as_str(), "t" | "true" | "1"),
        Some(Value::Number(number)) => number.as_i64() != Some(0),
        _ => false,
    };
    version
        .map(|version| Some(SchemaVersion { version, dirty }))
        .ok_or_else(not_a_version)
}
