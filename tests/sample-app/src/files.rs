//! Large files, streamed to a folder and back; never whole in memory.
use std::{
    io,
    path::{Path as FilePath, PathBuf},
    sync::Arc,
};

use axum::{
    Json,
    body::Body,
    extract::{Path, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use futures::StreamExt;
use ring::digest;
use serde_json::json;
use tokio::{
    fs::{self, File},
    io::AsyncWriteExt,
};
use tokio_util::io::ReaderStream;

use crate::{app::App, problem::Problem, requests};

/// Names that begin with a dot can't be asked for, so these are files that no one sees until they are whole.
const INCOMING: &str = ".incoming-";

/// Where files are kept, and how large they may be.
pub(crate) struct Files {
    pub(crate) folder: PathBuf,
    pub(crate) max_bytes: u64,
}

/// A file that is removed unless it has got its real name: a client may go away at any point.
struct Incoming(PathBuf);

impl Drop for Incoming {
    fn drop(&mut self) {
        // Absent once it has been renamed; and nothing more can be done about one that can't be removed.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Files {
    fn path(&self, name: &str) -> Result<PathBuf, Problem> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if !(1..=128).contains(&name.len()) || name.starts_with('.') || !name.bytes().all(allowed) {
            return Err(Problem::invalid(
                "a name is 1 to 128 letters, digits, `.`, `_` and `-`, and no leading `.`",
            ));
        }
        Ok(self.folder.join(name))
    }

    /// Takes the body in; gives its size and digest.
    async fn receive(&self, path: &FilePath, body: Body) -> Result<(u64, String), Problem> {
        fs::create_dir_all(&self.folder).await.map_err(|error| failed(&error))?;
        let incoming = Incoming(self.folder.join(format!("{INCOMING}{}", requests::random_hex())));
        let mut file = File::create_new(&incoming.0).await.map_err(|error| failed(&error))?;
        let (mut digest, mut size) = (digest::Context::new(&digest::SHA256), 0_u64);
        let mut chunks = body.into_data_stream();
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(|_| Problem::new(StatusCode::BAD_REQUEST, "the body ended early"))?;
            size += chunk.len() as u64;
            if size > self.max_bytes {
                return Err(Problem::too_large(self.max_bytes));
            }
            digest.update(&chunk);
            file.write_all(&chunk).await.map_err(|error| failed(&error))?;
        }
        file.sync_all().await.map_err(|error| failed(&error))?;
        fs::rename(&incoming.0, path).await.map_err(|error| failed(&error))?;
        Ok((size, hexadecimal(digest.finish().as_ref())))
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// `PUT /api/v1/files/{name}`
pub(crate) async fn upload(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Problem> {
    let path = app.files.path(&name)?;
    let announced = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse().ok());
    if announced.is_some_and(|length: u64| length > app.files.max_bytes) {
        return Err(Problem::too_large(app.files.max_bytes));
    }
    let (size, sha256) = app.files.receive(&path, request.into_body()).await?;
    Ok((
        StatusCode::CREATED,
        Json(json!({"name": name, "size": size, "sha256": sha256})),
    )
        .into_response())
}

/// `GET /api/v1/files/{name}`
pub(crate) async fn download(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<Response, Problem> {
    let file = File::open(app.files.path(&name)?)
        .await
        .map_err(|error| absent_or_failed(&error, &name))?;
    let length = file.metadata().await.map_err(|error| failed(&error))?.len();
    let headers = [
        (header::CONTENT_LENGTH, length.to_string()),
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
    ];
    Ok((headers, Body::from_stream(ReaderStream::with_capacity(file, 64 * 1024))).into_response())
}

/// `DELETE /api/v1/files/{name}`
pub(crate) async fn delete(State(app): State<Arc<App>>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    fs::remove_file(app.files.path(&name)?)
        .await
        .map_err(|error| absent_or_failed(&error, &name))?;
    Ok(StatusCode::NO_CONTENT)
}

fn absent_or_failed(error: &io::Error, name: &str) -> Problem {
    if error.kind() == io::ErrorKind::NotFound {
        return Problem::not_found(format!("no file `{name}`"));
    }
    failed(error)
}

fn failed(error: &io::Error) -> Problem {
    Problem::unavailable("file store", &error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_can_t_leave_the_folder() {
        let files = Files {
            folder: "/files".into(),
            max_bytes: 1,
        };
        assert_eq!(
            files.path("report-1.tar.gz").unwrap(),
            FilePath::new("/files/report-1.tar.gz")
        );
        for wrong in ["", ".", "..", ".incoming-1", "a/b", "a\\b", "a\0", &"x".repeat(129)] {
            assert_eq!(
                files.path(wrong).unwrap_err().status,
                StatusCode::UNPROCESSABLE_ENTITY,
                "{wrong}"
            );
        }
    }

    #[tokio::test]
    async fn a_file_that_is_too_large_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let files = Files {
            folder: folder.path().to_owned(),
            max_bytes: 4,
        };
        let problem = files
            .receive(&folder.path().join("a"), Body::from("12345"))
            .await
            .unwrap_err();
        assert_eq!(problem.status, StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
