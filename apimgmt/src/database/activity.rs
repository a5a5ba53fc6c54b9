//! Who is connected to PostgreSQL.

use tokio_postgres::Client;

use super::{facts::read_only, session::in_words};
use crate::snapshot::sessions::{Activity, Sessions};

/// Everybody sees who is connected; states are shown of the role's own sessions, or of all to members of `pg_read_all_stats`.
/// Sessions of this software are left out: they end with its run.
const SESSIONS: &str = "
with seen as (
    select usename = $1 as own, client_addr is not null and ssl is false as plain, state, wait_event_type, now() - state_change as since, now() - xact_start as open
    from pg_stat_activity left join pg_stat_ssl using (pid)
    where usename is not null and coalesce(backend_type, 'client backend') = 'client backend' and application_name <> 'apimgmt')
select current_user::text,
       count(*) filter (where own), count(*) filter (where own and state = 'active'), count(*) filter (where own and state = 'idle'),
       count(*) filter (where own and state like 'idle in transaction%'),
       count(*) filter (where own and state = 'active' and wait_event_type = 'Lock'),
       coalesce(extract(epoch from max(since) filter (where own and state like 'idle in transaction%')), 0)::float8,
       coalesce(extract(epoch from max(open) filter (where own)), 0)::float8,
       count(*) filter (where not own), count(*) filter (where own and plain)
from seen";

/// The sessions of `application` and the number of the others.
///
/// # Errors
/// In words, when the server does not answer.
pub(crate) async fn activity(client: &mut Client, application: &str) -> Result<Activity, String> {
    let told = async {
        let transaction = read_only(client).await?;
        let row = transaction.query_one(SESSIONS, &[&application]).await?;
        Ok(Activity {
            seen_by: row.try_get(0)?,
            application: Sessions {
                total: row.try_get(1)?,
                unencrypted: row.try_get(9)?,
                active: row.try_get(2)?,
                idle: row.try_get(3)?,
                idle_in_transaction: row.try_get(4)?,
                waiting: row.try_get(5)?,
                longest_idle_in_transaction: row.try_get(6)?,
                longest_transaction: row.try_get(7)?,
            },
            others: row.try_get(8)?,
        })
    };
    told.await.map_err(|error: tokio_postgres::Error| in_words(&error))
}
