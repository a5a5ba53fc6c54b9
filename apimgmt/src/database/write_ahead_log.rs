//! What keeps the write-ahead log on the server's volume.

use tokio_postgres::{Client, Row};

use super::{facts::read_only, session::in_words};
use crate::snapshot::{
    hostile,
    sessions::{Archiver, Slot, WriteAheadLog},
};

/// `safe_wal_size` is there since PostgreSQL 13.
const SLOTS: &str = "
select slot_name::text, coalesce(slot_type, ''), active, coalesce(to_jsonb(s) ->> 'wal_status', ''),
       pg_wal_lsn_diff(case when pg_is_in_recovery() then pg_last_wal_replay_lsn() else pg_current_wal_lsn() end, restart_lsn)::int8,
       (to_jsonb(s) ->> 'safe_wal_size')::int8
from pg_replication_slots s order by 5 desc nulls first, 1 limit 20";

const ARCHIVER: &str = "
select archived_count, last_archived_time, failed_count, last_failed_time, coalesce(last_failed_wal, '')
from pg_stat_archiver where current_setting('archive_mode') <> 'off'";

/// The log's keepers.
///
/// # Errors
/// In words, when the server does not answer.
pub(crate) async fn write_ahead_log(client: &mut Client) -> Result<WriteAheadLog, String> {
    let told = async {
        let transaction = read_only(client).await?;
        let (slots, archiver) =
            futures::try_join!(transaction.query(SLOTS, &[]), transaction.query_opt(ARCHIVER, &[]))?;
        Ok(WriteAheadLog {
            slots: slots.iter().map(slot).collect::<Result<_, _>>()?,
            archiver: archiver.as_ref().map(told_of_archive).transpose()?,
        })
    };
    told.await.map_err(|error: tokio_postgres::Error| in_words(&error))
}

fn slot(row: &Row) -> Result<Slot, tokio_postgres::Error> {
    Ok(Slot {
        name: hostile::line(row.try_get(0)?),
        kind: row.try_get(1)?,
        active: row.try_get(2)?,
        wal_status: row.try_get(3)?,
        behind_bytes: row.try_get(4)?,
        safe_bytes: row.try_get(5)?,
    })
}

fn told_of_archive(row: &Row) -> Result<Archiver, tokio_postgres::Error> {
    Ok(Archiver {
        archived: row.try_get(0)?,
        last_archived_at: row.try_get(1)?,
        failed: row.try_get(2)?,
        last_failed_at: row.try_get(3)?,
        last_failed_file: hostile::line(row.try_get(4)?),
    })
}
