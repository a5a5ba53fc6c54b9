//! PostgreSQL from where the application stands: reach, credentials, records.

use std::{
    str::FromStr,
    time::{Duration, Instant},
};

use tokio_postgres::{Client, Config, NoTls, error::SqlState};

use super::{Steps, settled, variable};
use crate::snapshot::sessions::ProbeResult;

/// Longest time for a connection, and for a statement.
const PATIENCE: Duration = Duration::from_secs(10);

/// Logs in as the application does, and works with records of its own.
pub(super) async fn probe() -> Vec<ProbeResult> {
    let mut instance = Steps::default();
    let client = instance.step("configuration", configuration());
    let client = match client {
        Some(config) => reach(&mut instance, &config).await,
        None => None,
    };
    let instance = instance.result("database/instance", "reached and logged in as the application does");
    let mut records = Steps::default();
    match client {
        Some(client) => work(&mut records, &client).await,
        None => {
            records.step::<()>("create", Err(format!("no session: {}", instance.detail)));
        }
    }
    vec![
        instance,
        records.result(
            "functional/database",
            "created, read, changed and deleted a record of its own",
        ),
    ]
}

/// The application's own way in: a URL, or libpq's variables.
fn configuration() -> Result<Config, String> {
    let mut config = match variable(&["DATABASE_URL", "POSTGRES_URL", "DB_URL"]) {
        // The error is not repeated: it may quote the URL, and that holds the password.
        Some(url) => Config::from_str(&url).map_err(|_| "the application's database URL does not parse".to_owned())?,
        None => from_variables()?,
    };
    config.connect_timeout(PATIENCE).application_name("apimgmt-probe");
    Ok(config)
}

fn from_variables() -> Result<Config, String> {
    let mut config = Config::new();
    let host = variable(&["PGHOST", "POSTGRES_HOST", "DB_HOST", "DATABASE_HOST"]);
    config.host(host.ok_or("the application's environment names no database: DATABASE_URL, PGHOST, DB_HOST")?);
    if let Some(port) = variable(&["PGPORT", "POSTGRES_PORT", "DB_PORT", "DATABASE_PORT"]) {
        config.port(port.parse().map_err(|_| format!("`{port}` is no port"))?);
    }
    if let Some(user) = variable(&["PGUSER", "POSTGRES_USER", "DB_USER", "DB_USERNAME", "DATABASE_USER"]) {
        config.user(user);
    }
    if let Some(password) = variable(&["PGPASSWORD", "POSTGRES_PASSWORD", "DB_PASSWORD", "DATABASE_PASSWORD"]) {
        config.password(password);
    }
    if let Some(name) = variable(&["PGDATABASE", "POSTGRES_DB", "DB_NAME", "DATABASE_NAME"]) {
        config.dbname(name);
    }
    Ok(config)
}

/// A wrong password must be refused on this path before the right one means anything.
async fn reach(steps: &mut Steps, config: &Config) -> Option<Client> {
    steps.note("service", address(config));
    let began = Instant::now();
    let mut wrong = config.clone();
    wrong.password(format!("wrong-{}", began.elapsed().as_nanos()));
    let trusted = match settled(has_no_connection, || connect(&wrong)).await {
        Ok(_) => true,
        Err(error) if refuses_credentials(&error) => false,
        Err(error) => {
            steps.step::<()>("reach", Err(told(&error)));
            return None;
        }
    };
    steps.note("reachedAfter", format!("{}ms", began.elapsed().as_millis()));
    let client = steps.step("reach", connect(config).await.map_err(|error| told(&error)))?;
    steps.note("login", if trusted { "trusted" } else { "proven" });
    if trusted {
        steps.step::<()>("login", Err("a wrong password is accepted as well".into()));
    }
    Some(client)
}

fn address(config: &Config) -> String {
    let host = config.get_hosts().first().map(|host| match host {
        tokio_postgres::config::Host::Tcp(host) => host.clone(),
        tokio_postgres::config::Host::Unix(path) => path.display().to_string(),
    });
    format!(
        "{}:{}",
        host.unwrap_or_default(),
        config.get_ports().first().copied().unwrap_or(5432)
    )
}

async fn connect(config: &Config) -> Result<Client, tokio_postgres::Error> {
    let (client, connection) = config.connect(NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// The server itself has said nothing.
fn has_no_connection(error: &tokio_postgres::Error) -> bool {
    error.as_db_error().is_none()
}

fn refuses_credentials(error: &tokio_postgres::Error) -> bool {
    matches!(
        error.code(),
        Some(&SqlState::INVALID_PASSWORD | &SqlState::INVALID_AUTHORIZATION_SPECIFICATION)
    )
}

/// The server's words, or the system's; never the connection's parameters.
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => format!("{} ({})", said.message(), said.code().code()),
        None => crate::report::escape(&chain(error)),
    }
}

fn chain(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", chain(source)),
        None => error.to_string(),
    }
}

/// Works in a schema of its own, or where that is not permitted in a temporary table; both are gone afterwards.
async fn work(steps: &mut Steps, client: &Client) {
    let schema = format!("apimgmt_probe_{}", std::process::id());
    let sql = async |text: &str| {
        let ran = tokio::time::timeout(PATIENCE, client.batch_execute(text)).await;
        ran.map_err(|_| "no answer in time".to_owned())?
            .map_err(|error| told(&error))
    };
    let own = sql(&format!("create schema {schema}")).await.is_ok();
    let table = if own {
        format!("{schema}.record")
    } else {
        "pg_temp.record".into()
    };
    steps.note("where", if own { "scratch schema" } else { "temporary table" });
    if !own {
        // A temporary table can be written while everything else is read-only, so that is looked at apart.
        let writable = client
            .query_one("show transaction_read_only", &[])
            .await
            .map_err(|error| told(&error));
        let writable = writable.and_then(|row| match row.get::<_, String>(0).as_str() {
            "off" => Ok(()),
            _ => Err("the server only reads".to_owned()),
        });
        steps.step("writable", writable);
    }
    let create =
        format!("create table {table} (id bigint primary key, note text); insert into {table} values (1, 'new')");
    let noted = async |expected: &str| {
        let row = client
            .query_one(&format!("select note from {table} where id = 1"), &[])
            .await;
        let note: String = row.map_err(|error| told(&error))?.get(0);
        if note == expected {
            Ok(())
        } else {
            Err(format!("read `{note}` instead of `{expected}`"))
        }
    };
    if steps.step("create", sql(&create).await).is_some() {
        steps.step("read", noted("new").await);
        let changed = match sql(&format!("update {table} set note = 'changed' where id = 1")).await {
            Ok(()) => noted("changed").await,
            wrong => wrong,
        };
        steps.step("update", changed);
        let deleted = match sql(&format!("delete from {table} where id = 1")).await {
            Ok(()) => remaining(client, &table).await,
            wrong => wrong,
        };
        steps.step("delete", deleted);
    }
    if own {
        steps.step("clean", sql(&format!("drop schema {schema} cascade")).await);
    } else {
        steps.step("clean", sql("drop table if exists pg_temp.record").await);
    }
    let left = client
        .query_one("select count(*) from pg_namespace where nspname = $1", &[&schema])
        .await;
    match left {
        Ok(row) => steps.note("leftBehind", row.get::<_, i64>(0)),
        Err(error) => steps.note("leftBehind", told(&error)),
    }
}

async fn remaining(client: &Client, table: &str) -> Result<(), String> {
    let row = client
        .query_one(&format!("select count(*) from {table}"), &[])
        .await
        .map_err(|error| told(&error))?;
    match row.get::<_, i64>(0) {
        0 => Ok(()),
        rows => Err(format!("{rows} rows remain")),
    }
}
