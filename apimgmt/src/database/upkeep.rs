//! How PostgreSQL is set and kept: parameters, ids of transactions, checkpoints, bloat.

use std::collections::BTreeMap;

use tokio_postgres::{Client, Row};

use super::{facts::read_only, session::in_words};
use crate::snapshot::{
    hostile,
    sessions::{Setting, Table, Upkeep},
};

/// The parameters that some unit reads.
const NAMES: [&str; 28] = [
    "archive_mode",
    "autovacuum",
    "autovacuum_freeze_max_age",
    "autovacuum_max_workers",
    "autovacuum_multixact_freeze_max_age",
    "autovacuum_vacuum_scale_factor",
    "autovacuum_vacuum_threshold",
    "autovacuum_work_mem",
    "checkpoint_completion_target",
    "checkpoint_timeout",
    "default_transaction_read_only",
    "fsync",
    "full_page_writes",
    "idle_in_transaction_session_timeout",
    "maintenance_work_mem",
    "max_connections",
    "max_slot_wal_keep_size",
    "max_wal_size",
    "reserved_connections",
    "shared_buffers",
    "ssl",
    "statement_timeout",
    "superuser_reserved_connections",
    "synchronous_commit",
    "track_counts",
    "vacuum_failsafe_age",
    "vacuum_multixact_failsafe_age",
    "work_mem",
];

/// `reset_val` is what a new session of this role gets, whatever this very session has set for itself. What the command line
/// sets stays after a restart, whatever a file says.
const SETTINGS: &str = "
select name, coalesce(reset_val, setting, ''), coalesce(unit, ''), pending_restart and source <> 'command line' from pg_settings where name = any($1)";

const OLDEST: &str = "
select datname::text, age(datfrozenxid)::int8, (select max(mxid_age(datminmxid))::int8 from pg_database)
from pg_database order by 2 desc limit 1";

/// The view of PostgreSQL 17 and later, and the one of before.
const CHECKPOINTS: [&str; 2] = [
    "select num_timed, num_requested, stats_reset from pg_stat_checkpointer",
    "select checkpoints_timed, checkpoints_req, stats_reset from pg_stat_bgwriter",
];

/// What rows would take without bloat: `rows × (header + line pointer + average width) / fill factor`, in whole pages, as
/// <https://github.com/ioguix/pgsql-bloat-estimation> estimates it (header of 24 bytes with its padding, line pointer of 4,
/// page header of 24: <https://www.postgresql.org/docs/current/storage-page-layout.html>). The widths come from `ANALYZE`,
/// and only who may read a table sees them.
const TABLES: &str = "
select s.schemaname || '.' || s.relname, c.relpages::int8 * size.page,
       case when w.width is not null and c.reltuples > 0 then
           (ceil(c.reltuples * (28 + ceil(w.width / 8) * 8)
                 / ((size.page - 24) * coalesce((select option_value::float8 / 100 from pg_options_to_table(c.reloptions)
                                                 where option_name = 'fillfactor'), 1.0))) * size.page)::int8 end,
       greatest(c.reltuples, 0)::float8, s.n_dead_tup, greatest(s.last_vacuum, s.last_autovacuum),
       exists (select from pg_options_to_table(c.reloptions)
               where option_name = 'autovacuum_enabled' and lower(option_value) in ('false', 'off', 'no', '0'))
from pg_stat_user_tables s join pg_class c on c.oid = s.relid
cross join (select current_setting('block_size')::int8 as page) size
left join lateral (select sum((1 - p.null_frac) * p.avg_width)::float8 as width from pg_stats p
    where p.schemaname = s.schemaname and p.tablename = s.relname and not p.inherited) w on true
order by c.relpages desc limit 20";

/// The parameters by name.
///
/// # Errors
/// In words, when the server does not answer.
pub(crate) async fn settings(client: &mut Client) -> Result<BTreeMap<String, Setting>, String> {
    let told = async {
        let transaction = read_only(client).await?;
        let rows = transaction.query(SETTINGS, &[&NAMES.as_slice()]).await?;
        rows.iter().map(setting).collect::<Result<_, _>>()
    };
    told.await.map_err(|error: tokio_postgres::Error| in_words(&error))
}

fn setting(row: &Row) -> Result<(String, Setting), tokio_postgres::Error> {
    let setting = Setting {
        value: hostile::line(row.try_get(1)?),
        unit: row.try_get(2)?,
        pending_restart: row.try_get(3)?,
    };
    Ok((row.try_get(0)?, setting))
}

/// How tables and log are kept.
///
/// # Errors
/// In words, when the server does not answer.
pub(crate) async fn upkeep(client: &mut Client, version_number: u32) -> Result<Upkeep, String> {
    let told = async {
        let transaction = read_only(client).await?;
        let view = CHECKPOINTS[usize::from(version_number < 170_000)];
        let (oldest, checkpoints, tables) = futures::try_join!(
            transaction.query_one(OLDEST, &[]),
            transaction.query_one(view, &[]),
            transaction.query(TABLES, &[]),
        )?;
        Ok(Upkeep {
            oldest_database: hostile::line(oldest.try_get(0)?),
            oldest_xid: oldest.try_get(1)?,
            oldest_multixact: oldest.try_get(2)?,
            checkpoints_timed: checkpoints.try_get(0)?,
            checkpoints_requested: checkpoints.try_get(1)?,
            counted_since: checkpoints.try_get(2)?,
            tables: tables.iter().map(table).collect::<Result<_, _>>()?,
        })
    };
    told.await.map_err(|error: tokio_postgres::Error| in_words(&error))
}

fn table(row: &Row) -> Result<Table, tokio_postgres::Error> {
    Ok(Table {
        name: hostile::line(row.try_get(0)?),
        bytes: row.try_get(1)?,
        needed_bytes: row.try_get(2)?,
        rows: row.try_get(3)?,
        dead: row.try_get(4)?,
        last_vacuum: row.try_get(5)?,
        autovacuum_off: row.try_get(6)?,
    })
}
