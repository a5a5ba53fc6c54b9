#!/bin/sh
# Runs once, on an empty volume: the three roles of this platform, each with no more than it needs.
# psql reads the passwords from the environment, so they are in no argument; the log settings keep them out of the server's log.
set -eu
psql --no-psqlrc --set ON_ERROR_STOP=1 --username postgres --dbname "$POSTGRES_DB" <<'SQL'
\getenv owner OWNER_USER
\getenv owner_password OWNER_PASSWORD
\getenv monitor MONITOR_USER
\getenv monitor_password MONITOR_PASSWORD
\getenv application APPLICATION_USER
\getenv application_password APPLICATION_PASSWORD
\getenv statement_timeout APPLICATION_STATEMENT_TIMEOUT
\getenv idle_timeout APPLICATION_IDLE_IN_TRANSACTION_TIMEOUT
\getenv database POSTGRES_DB

set log_statement = none;
set log_min_duration_statement = -1;
set log_min_error_statement = panic;

begin;

-- Nobody gets anything for being here
revoke all on database postgres, template1, :"database" from public;
revoke all on schema public from public;

-- Owns the database: migrations, dumps, and restoring beside it before a swap, for which it ends other sessions
create role :"owner" login createdb password :'owner_password';
grant pg_signal_backend to :"owner";
alter database :"database" owner to :"owner";
grant connect on database postgres to :"owner";

-- Reads the statistics of the whole server
create role :"monitor" login connection limit 8 password :'monitor_password';
grant pg_monitor to :"monitor";
grant connect on database postgres, :"database" to :"monitor";
grant usage on schema public to :"monitor";
select current_setting('server_version_num')::int >= 160000 as reserves \gset
\if :reserves
grant pg_use_reserved_connections to :"monitor";
\endif

-- Reads and writes rows, in this database alone
create role :"application" login password :'application_password';
alter role :"application" set statement_timeout = :'statement_timeout';
alter role :"application" set idle_in_transaction_session_timeout = :'idle_timeout';
grant connect, temporary on database :"database" to :"application";
grant usage on schema public to :"application";
alter default privileges for role :"owner" in schema public grant select, insert, update, delete on tables to :"application";
alter default privileges for role :"owner" in schema public grant usage, select on sequences to :"application";

commit;
SQL
