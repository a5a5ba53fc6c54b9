//! PostgreSQL: sessions over any stream, with the application's credentials.

mod activity;
mod contention;
mod facts;
mod pgbouncer;
mod role;
mod session;
mod tls;
mod upkeep;
mod write_ahead_log;

pub(crate) use activity::activity;
pub(crate) use contention::contention;
pub(crate) use facts::{read, replicas};
pub(crate) use pgbouncer::{Behind, behind};
pub(crate) use role::role;
pub(crate) use session::{Failure, in_words, is_pooler, open};
pub(crate) use upkeep::{settings, upkeep};
pub(crate) use write_ahead_log::write_ahead_log;

use crate::snapshot::collect::Words;

/// The usual port.
pub(crate) const PORT: u16 = 5432;

/// What applications call the parts of a database's address.
pub(crate) const WORDS: Words = Words {
    schemes: &["postgres", "postgresql"],
    dsn: &[
        "DATABASE_URL",
        "POSTGRES_URL",
        "POSTGRESQL_URL",
        "PG_URL",
        "DB_URL",
        "DATABASE_DSN",
        "DB_DSN",
        "SPRING_DATASOURCE_URL",
    ],
    host: &["PGHOST", "POSTGRES_HOST", "POSTGRESQL_HOST", "DB_HOST", "DATABASE_HOST"],
    port: &["PGPORT", "POSTGRES_PORT", "POSTGRESQL_PORT", "DB_PORT", "DATABASE_PORT"],
    user: &[
        "PGUSER",
        "POSTGRES_USER",
        "POSTGRESQL_USER",
        "DB_USER",
        "DB_USERNAME",
        "DATABASE_USER",
        "DATABASE_USERNAME",
        "SPRING_DATASOURCE_USERNAME",
    ],
    password: &[
        "PGPASSWORD",
        "POSTGRES_PASSWORD",
        "POSTGRESQL_PASSWORD",
        "DB_PASSWORD",
        "DB_PASS",
        "DATABASE_PASSWORD",
        "SPRING_DATASOURCE_PASSWORD",
    ],
    database: &[
        "PGDATABASE",
        "POSTGRES_DB",
        "POSTGRES_DATABASE",
        "DB_NAME",
        "DB_DATABASE",
        "DATABASE_NAME",
    ],
};
