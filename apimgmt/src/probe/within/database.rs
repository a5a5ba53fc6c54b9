//! PostgreSQL from where the application stands: reach, credentials, records.

use std::time::{Duration, Instant};

use tokio_postgres::Client;

use super::{Steps, connect, credentials};
use crate::{
    database::{Failure, PORT, WORDS, in_words, open},
    snapshot::{collect::Credentials, sessions::ProbeResult},
};

/// Longest time for a statement.
const PATIENCE: Duration = Duration::from_secs(10);

/// Logs in as the application does, and works with records of its own.
pub(super) async fn probe() -> Vec<ProbeResult> {
    let mut instance = Steps::default();
    let client = match instance.step("configuration", credentials(&WORDS, "database")) {
        Some(credentials) => reach(&mut instance, &credentials).await,
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

/// A wrong password must be refused on this path before the right one means anything.
async fn reach(steps: &mut Steps, credentials: &Credentials) -> Option<Client> {
    let port = if credentials.port == 0 { PORT } else { credentials.port };
    steps.note("service", format!("{}:{port}", credentials.host));
    let began = Instant::now();
    let stream = steps.step("reach", connect(credentials, PORT).await)?;
    steps.note("reachedAfter", format!("{}ms", began.elapsed().as_millis()));
    let wrong = format!("wrong-{}", jiff::Timestamp::now().as_nanosecond());
    match open(Box::new(stream), credentials, wrong.as_bytes(), &credentials.database).await {
        Err(Failure::Refused(_)) => steps.note("login", "proven"),
        Err(failure) => {
            steps.step::<()>("login", Err(failure.to_string()));
            return None;
        }
        Ok(_) => {
            steps.step::<()>("login", Err("a wrong password is accepted as well".into()));
        }
    }
    let stream = steps.step("reach", connect(credentials, PORT).await)?;
    let password = credentials
        .password
        .as_ref()
        .map(crate::snapshot::reduce::SecretValue::reveal)
        .unwrap_or_default();
    match open(Box::new(stream), credentials, password, &credentials.database).await {
        Ok(client) => Some(client),
        Err(failure) => {
            steps.step::<()>("login", Err(failure.to_string()));
            None
        }
    }
}

/// Works in a schema of its own, or where that is not permitted in a temporary table; both are gone afterwards.
async fn work(steps: &mut Steps, client: &Client) {
    let schema = format!("apimgmt_probe_{}", std::process::id());
    let sql = async |text: &str| {
        let ran = tokio::time::timeout(PATIENCE, client.batch_execute(text)).await;
        ran.map_err(|_| "no answer in time".to_owned())?
            .map_err(|error| in_words(&error))
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
            .map_err(|error| in_words(&error));
        let writable = writable.and_then(|row| match row.get::<_, String>(0).as_str() {
            "off" => Ok(()),
            _ => Err("the server only reads".to_owned()),
        });
        steps.step("writable", writable);
    }
    // One transaction keeps a temporary table where it was made, behind a pooler too.
    let begin = if own { "" } else { "begin; " };
    let create = format!(
        "{begin}create table {table} (id bigint primary key, note text); insert into {table} values (1, 'new')"
    );
    let noted = async |expected: &str| {
        let row = client
            .query_one(&format!("select note from {table} where id = 1"), &[])
            .await;
        let note: String = row.map_err(|error| in_words(&error))?.get(0);
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
        steps.step("clean", sql("rollback").await);
    }
    let left = client
        .query_one("select count(*) from pg_namespace where nspname = $1", &[&schema])
        .await;
    match left {
        Ok(row) => steps.note("leftBehind", row.get::<_, i64>(0)),
        Err(error) => steps.note("leftBehind", format!("perhaps a schema: {}", in_words(&error))),
    }
}

async fn remaining(client: &Client, table: &str) -> Result<(), String> {
    let row = client
        .query_one(&format!("select count(*) from {table}"), &[])
        .await
        .map_err(|error| in_words(&error))?;
    match row.get::<_, i64>(0) {
        0 => Ok(()),
        rows => Err(format!("{rows} rows remain")),
    }
}
