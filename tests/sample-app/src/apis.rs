//! The registry of APIs: create, read, update, delete.
use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{
        Path, Query, State,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{HeaderName, StatusCode, header},
    response::{IntoResponse, Response},
};
use reqwest::Url;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio_postgres::{Error, Row, error::SqlState};
use tracing::warn;

use crate::{app::App, dependencies, problem::Problem};

const CACHE_HEADER: HeaderName = HeaderName::from_static("x-cache");
const PAGE: i64 = 100;
/// How old the copy of a page may be: it is dropped by changes of its first entries alone.
const PAGE_TTL: Duration = Duration::from_secs(2);

/// What a client sends.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Draft {
    name: String,
    upstream: String,
    version: String,
}

/// What a client gets.
#[derive(Serialize, Deserialize, Debug, PartialEq)]
pub(crate) struct Api {
    id: i64,
    name: String,
    upstream: String,
    version: String,
}

impl From<Row> for Api {
    fn from(row: Row) -> Self {
        Self {
            id: row.get(0),
            name: row.get(1),
            upstream: row.get(2),
            version: row.get(3),
        }
    }
}

impl Draft {
    fn check(&self) -> Result<(), Problem> {
        let plain = |text: &str| {
            text.bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
        };
        if !(1..=63).contains(&self.name.len()) || !plain(&self.name) || self.name.starts_with('-') {
            return Err(Problem::invalid("name: 1 to 63 lower-case letters, digits and `-`"));
        }
        if !Url::parse(&self.upstream).is_ok_and(|url| matches!(url.scheme(), "http" | "https")) {
            return Err(Problem::invalid("upstream: an http or https URL"));
        }
        if !(1..=32).contains(&self.version.len()) || self.version.chars().any(char::is_control) {
            return Err(Problem::invalid("version: 1 to 32 bytes without control characters"));
        }
        Ok(())
    }
}

#[derive(Deserialize)]
pub(crate) struct Page {
    /// The last id of the page before.
    #[serde(default)]
    after: i64,
}

/// `GET /api/v1/apis?after=ID`
pub(crate) async fn list(
    State(app): State<Arc<App>>,
    page: Result<Query<Page>, QueryRejection>,
) -> Result<Response, Problem> {
    let Query(Page { after }) = page?;
    through_cache(&app, &page_key(after), PAGE_TTL, async {
        let connection = app.database.for_request().await?;
        let sql = "select id, name, upstream, version from apis where id > $1 order by id limit $2";
        let statement = connection.prepare_cached(sql).await.map_err(|error| failed(&error))?;
        let rows = connection
            .query(&statement, &[&after, &PAGE])
            .await
            .map_err(|error| failed(&error))?;
        let items: Vec<Api> = rows.into_iter().map(Api::from).collect();
        let full = i64::try_from(items.len()) == Ok(PAGE);
        let next = items.last().filter(|_| full).map(|api| api.id);
        Ok(json!({"items": items, "next": next}))
    })
    .await
}

/// `POST /api/v1/apis`
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Response, Problem> {
    let Json(draft) = draft?;
    draft.check()?;
    let connection = app.database.for_request().await?;
    let sql = "insert into apis (name, upstream, version) values ($1, $2, $3) returning id, name, upstream, version";
    let statement = connection.prepare_cached(sql).await.map_err(|error| failed(&error))?;
    let row = connection
        .query_one(&statement, &[&draft.name, &draft.upstream, &draft.version])
        .await
        .map_err(|error| conflict_or_failed(&error, &draft.name))?;
    let api = Api::from(row);
    forget(&app, api.id).await;
    Ok((
        StatusCode::CREATED,
        [(header::LOCATION, format!("/api/v1/apis/{}", api.id))],
        Json(api),
    )
        .into_response())
}

/// `GET /api/v1/apis/{id}`: the cache first, then the database, and a copy for the next one.
pub(crate) async fn read(
    State(app): State<Arc<App>>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<Response, Problem> {
    let Path(id) = id?;
    through_cache(&app, &cache_key(id), app.cache_ttl, async {
        let connection = app.database.for_request().await?;
        let sql = "select id, name, upstream, version from apis where id = $1";
        let statement = connection.prepare_cached(sql).await.map_err(|error| failed(&error))?;
        let row = connection
            .query_opt(&statement, &[&id])
            .await
            .map_err(|error| failed(&error))?;
        row.map(|row| json!(Api::from(row))).ok_or_else(|| absent(id))
    })
    .await
}

/// The copy in the cache, or what the database says, kept for the next one.
async fn through_cache(
    app: &App,
    key: &str,
    ttl: Duration,
    ask: impl Future<Output = Result<Value, Problem>>,
) -> Result<Response, Problem> {
    let cached = app.cache.get(key).await;
    app.metrics.cache_request(&cached);
    let (found, bytes) = match cached {
        Ok(Some(bytes)) => ("hit", bytes),
        absent => {
            if let Err(error) = absent {
                warn!(
                    error = app.cache.describe(&error),
                    "cache can't be read, asking the database"
                );
            }
            let bytes = ask.await?.to_string().into_bytes();
            if let Err(error) = app.cache.put(key, &bytes, ttl).await {
                warn!(error = app.cache.describe(&error), "cache can't be written");
            }
            ("miss", bytes)
        }
    };
    let headers = [(CACHE_HEADER, found), (header::CONTENT_TYPE, "application/json")];
    Ok((headers, bytes).into_response())
}

/// `PUT /api/v1/apis/{id}`
pub(crate) async fn update(
    State(app): State<Arc<App>>,
    id: Result<Path<i64>, PathRejection>,
    draft: Result<Json<Draft>, JsonRejection>,
) -> Result<Json<Api>, Problem> {
    let (Path(id), Json(draft)) = (id?, draft?);
    draft.check()?;
    let connection = app.database.for_request().await?;
    let sql =
        "update apis set name = $2, upstream = $3, version = $4 where id = $1 returning id, name, upstream, version";
    let statement = connection.prepare_cached(sql).await.map_err(|error| failed(&error))?;
    let row = connection
        .query_opt(&statement, &[&id, &draft.name, &draft.upstream, &draft.version])
        .await
        .map_err(|error| conflict_or_failed(&error, &draft.name))?;
    forget(&app, id).await;
    row.map(|row| Json(Api::from(row))).ok_or_else(|| absent(id))
}

/// `DELETE /api/v1/apis/{id}`
pub(crate) async fn delete(
    State(app): State<Arc<App>>,
    id: Result<Path<i64>, PathRejection>,
) -> Result<StatusCode, Problem> {
    let Path(id) = id?;
    let connection = app.database.for_request().await?;
    let statement = connection
        .prepare_cached("delete from apis where id = $1")
        .await
        .map_err(|error| failed(&error))?;
    let deleted = connection
        .execute(&statement, &[&id])
        .await
        .map_err(|error| failed(&error))?;
    forget(&app, id).await;
    if deleted == 0 {
        Err(absent(id))
    } else {
        Ok(StatusCode::NO_CONTENT)
    }
}

/// Drops the copies; without Redis it would go stale until its time is up, and the log says so.
async fn forget(app: &App, id: i64) {
    for key in [cache_key(id), page_key(0)] {
        if let Err(error) = app.cache.delete(&key).await {
            warn!(key, error = app.cache.describe(&error), "cached copy can't be dropped");
        }
    }
}

fn cache_key(id: i64) -> String {
    format!("apis:{id}")
}

fn page_key(after: i64) -> String {
    format!("apis:after:{after}")
}

fn absent(id: i64) -> Problem {
    Problem::not_found(format!("no API {id}"))
}

fn failed(error: &Error) -> Problem {
    Problem::unavailable("database", &dependencies::describe(error))
}

fn conflict_or_failed(error: &Error, name: &str) -> Problem {
    if error.code() == Some(&SqlState::UNIQUE_VIOLATION) {
        return Problem::new(StatusCode::CONFLICT, format!("an API named `{name}` exists"));
    }
    failed(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drafts_are_checked_field_by_field() {
        let draft = |name: &str, upstream: &str, version: &str| Draft {
            name: name.to_owned(),
            upstream: upstream.to_owned(),
            version: version.to_owned(),
        };
        assert!(draft("orders-2", "http://orders:8080/v2", "1.0").check().is_ok());
        for wrong in [
            draft("", "http://a", "1"),
            draft("-a", "http://a", "1"),
            draft("Orders", "http://a", "1"),
            draft("a", "ftp://a", "1"),
            draft("a", "orders", "1"),
            draft("a", "http://a", ""),
            draft("a", "http://a", "1\n"),
        ] {
            assert_eq!(wrong.check().unwrap_err().status, StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
}
