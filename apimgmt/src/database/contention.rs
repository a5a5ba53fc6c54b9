//! Who keeps the server's sessions, and who holds what others wait for.
//!
//! Of a query only its first word is taken: the rest may hold people's data.

use tokio_postgres::{Client as Session, Row};

use super::{facts::read_only, session::in_words};
use crate::snapshot::{
    hostile,
    sessions::{Blocker, Client, Contention, Horizon},
};

/// Sessions of this software are left out: they end with its run.
const CLIENTS: &str = "
select coalesce(usename::text, ''), coalesce(application_name, ''), coalesce(host(client_addr), ''), coalesce(state, ''), count(*),
       greatest(coalesce(extract(epoch from max(now() - state_change)), 0), 0)::float8
from pg_stat_activity
where usename is not null and coalesce(backend_type, 'client backend') = 'client backend' and application_name <> 'apimgmt'
group by 1, 2, 3, 4 order by 5 desc, 1, 2, 3, 4 limit 20";

/// `pg_locks` shows everybody who waits, whatever the role may see of them. `waitstart` is there since PostgreSQL 14.
const BLOCKERS: &str = "
with recursive edge as (
    select distinct w.pid as waiting, b.pid as blocking
    from (select distinct pid from pg_locks where not granted) w cross join lateral unnest(pg_blocking_pids(w.pid)) b(pid)),
tree as (
    select blocking as root, waiting as pid from edge where blocking not in (select waiting from edge)
    union select t.root, e.waiting from tree t join edge e on e.blocking = t.pid),
held as (
    select t.root, count(distinct t.pid) as blocked, min((to_jsonb(w) ->> 'waitstart')::timestamptz) as since,
           min(w.relation) as relation
    from tree t left join pg_locks w on w.pid = t.pid and not w.granted group by 1)
select h.root, coalesce(a.usename::text, ''), coalesce(a.application_name, ''), coalesce(host(a.client_addr), ''),
       coalesce(a.state, a.backend_type, ''), coalesce(upper(substring(a.query from '^\\s*([A-Za-z]+)')), ''),
       coalesce(extract(epoch from now() - a.xact_start), 0)::float8,
       coalesce(extract(epoch from now() - a.state_change), 0)::float8,
       h.blocked, coalesce(extract(epoch from now() - h.since), 0)::float8,
       coalesce((select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
                 where c.oid = h.relation), '')
from held h left join pg_stat_activity a on a.pid = h.root order by h.blocked desc, h.root limit 10";

/// Whatever was begun first and has not ended: vacuum removes and freezes nothing that is younger
/// (<https://www.postgresql.org/docs/current/routine-vacuuming.html>).
const HORIZON: &str = "
select kind, name, description, age, seconds from (
    select 'session' as kind, pid::text as name, concat_ws(' ', usename, nullif(application_name, ''), state) as description,
           greatest(age(backend_xmin), age(backend_xid))::int8 as age, extract(epoch from now() - xact_start)::float8 as seconds
    from pg_stat_activity
    where backend_type <> 'walsender' and (backend_xmin is not null or backend_xid is not null) and pid <> pg_backend_pid()
    union all select 'prepared', gid, owner::text, age(transaction)::int8, extract(epoch from now() - prepared)::float8
    from pg_prepared_xacts
    union all select 'slot', slot_name::text, slot_type, greatest(age(xmin), age(catalog_xmin))::int8, null
    from pg_replication_slots where xmin is not null or catalog_xmin is not null
    union all select 'replica', application_name, state, age(backend_xmin)::int8, null
    from pg_stat_replication where backend_xmin is not null) held
where age is not null order by age desc, kind, name limit 1";

/// Who holds what, as far as the session's role may see it.
///
/// # Errors
/// In words, when the server does not answer.
pub(crate) async fn contention(client: &mut Session) -> Result<Contention, String> {
    let told = async {
        let transaction = read_only(client).await?;
        let (clients, blockers, horizon) = futures::try_join!(
            transaction.query(CLIENTS, &[]),
            transaction.query(BLOCKERS, &[]),
            transaction.query_opt(HORIZON, &[]),
        )?;
        Ok(Contention {
            clients: clients.iter().map(holder).collect::<Result<_, _>>()?,
            blockers: blockers.iter().map(blocker).collect::<Result<_, _>>()?,
            horizon: horizon.as_ref().map(oldest).transpose()?,
        })
    };
    told.await.map_err(|error: tokio_postgres::Error| in_words(&error))
}

fn holder(row: &Row) -> Result<Client, tokio_postgres::Error> {
    Ok(Client {
        user: hostile::line(row.try_get(0)?),
        application: hostile::line(row.try_get(1)?),
        address: row.try_get(2)?,
        state: row.try_get(3)?,
        count: row.try_get(4)?,
        longest_seconds: row.try_get(5)?,
    })
}

fn blocker(row: &Row) -> Result<Blocker, tokio_postgres::Error> {
    Ok(Blocker {
        pid: row.try_get(0)?,
        user: hostile::line(row.try_get(1)?),
        application: hostile::line(row.try_get(2)?),
        address: row.try_get(3)?,
        state: row.try_get(4)?,
        command: hostile::capped(row.try_get(5)?, 20),
        transaction_seconds: row.try_get(6)?,
        state_seconds: row.try_get(7)?,
        blocked: row.try_get(8)?,
        longest_wait: row.try_get(9)?,
        relation: hostile::line(row.try_get(10)?),
    })
}

fn oldest(row: &Row) -> Result<Horizon, tokio_postgres::Error> {
    Ok(Horizon {
        kind: row.try_get(0)?,
        name: hostile::line(row.try_get(1)?),
        description: hostile::line(row.try_get(2)?),
        age: row.try_get(3)?,
        seconds: row.try_get(4)?,
    })
}
