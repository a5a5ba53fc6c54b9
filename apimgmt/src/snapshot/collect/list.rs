//! Lists, page by page and object by object: the next page is asked for while this one arrives.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;

use super::{
    api_server::{Answer, ApiServer, JSON, Patience},
    encoded_objects::EncodedObjects,
    objects::Objects,
    trouble::Trouble,
};
use crate::snapshot::{Scope, Source};

/// Objects of one page. The first page of a list is served from the API server's memory and streamed in either size; each
/// further one costs it a search for where to go on, so pages are as large as a list of a large cluster.
const PAGE: usize = 10_000;
/// Times that a list is begun anew because its continue token expired.
const RESTARTS: u32 = 3;

const IN_QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// What to list.
#[derive(Debug, Clone)]
pub(super) struct Listing<'a> {
    path: String,
    labels: &'a str,
    fields: &'a str,
    accept: &'a str,
}

impl<'a> Listing<'a> {
    /// The list of a source: over the cluster, or in the namespace.
    pub(super) fn of(source: Source, namespace: &str) -> Self {
        let access = source.access();
        let scope = match access.scope {
            Scope::Cluster | Scope::AllNamespaces => None,
            _ => Some(namespace),
        };
        Self {
            path: path(access.group, access.version, scope, access.resource),
            labels: "",
            fields: "",
            accept: JSON,
        }
    }

    /// The list of a core resource in the namespace.
    pub(super) fn in_namespace(resource: &str, namespace: &str) -> Self {
        Self {
            path: path("", "v1", Some(namespace), resource),
            labels: "",
            fields: "",
            accept: JSON,
        }
    }

    /// Only objects with these labels.
    pub(super) fn labelled(self, labels: &'a str) -> Self {
        Self { labels, ..self }
    }

    /// Only objects with these fields.
    pub(super) fn where_fields(self, fields: &'a str) -> Self {
        Self { fields, ..self }
    }

    /// In the server's own encoding, which costs it less; a server may answer in JSON all the same.
    pub(super) fn encoded(self) -> Self {
        Self {
            accept: "application/vnd.kubernetes.protobuf,application/json",
            ..self
        }
    }

    /// Only their metadata.
    pub(super) fn metadata_only(self) -> Self {
        Self {
            accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            ..self
        }
    }

    fn page(&self, token: Option<&str>) -> String {
        let mut page = format!("{}?limit={PAGE}", self.path);
        for (name, value) in [
            ("labelSelector", Some(self.labels)),
            ("fieldSelector", Some(self.fields)),
            ("continue", token),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                page = format!("{page}&{name}={}", utf8_percent_encode(value, IN_QUERY));
            }
        }
        page
    }
}

/// The path of a resource, or of one object when the resource ends with its name.
pub(super) fn path(group: &str, version: &str, namespace: Option<&str>, resource: &str) -> String {
    let root = if group.is_empty() {
        format!("/api/{version}")
    } else {
        format!("/apis/{group}/{version}")
    };
    match namespace {
        Some(namespace) => format!("{root}/namespaces/{namespace}/{resource}"),
        None => format!("{root}/{resource}"),
    }
}

/// How an answer is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Json,
    Protobuf,
}

/// The bytes of an object of a list.
#[derive(Clone, Copy)]
pub(super) struct Object<'o> {
    pub(super) encoding: Encoding,
    pub(super) bytes: &'o [u8],
}

/// Splits a list into its objects, whatever its encoding.
enum Splitter {
    Json(Objects),
    Protobuf(EncodedObjects),
}

impl Splitter {
    fn of(encoding: Encoding) -> Self {
        match encoding {
            Encoding::Json => Self::Json(Objects::default()),
            Encoding::Protobuf => Self::Protobuf(EncodedObjects::default()),
        }
    }

    fn take(&mut self, piece: &[u8], mut object: impl FnMut(Object<'_>) -> Result<(), Trouble>) -> Result<(), Trouble> {
        match self {
            Self::Json(objects) => objects.take(piece, |bytes| {
                object(Object {
                    encoding: Encoding::Json,
                    bytes,
                })
            }),
            Self::Protobuf(objects) => objects.take(piece, |bytes| {
                object(Object {
                    encoding: Encoding::Protobuf,
                    bytes,
                })
            }),
        }
    }

    fn token(&self) -> Option<String> {
        match self {
            Self::Json(objects) => objects.token(),
            Self::Protobuf(objects) => objects.token(),
        }
    }

    fn is_complete(&self) -> bool {
        match self {
            Self::Json(objects) => objects.is_complete(),
            Self::Protobuf(objects) => objects.is_complete(),
        }
    }
}

impl ApiServer {
    /// Every object of a list, each read as `T` and then kept as `keep` makes it.
    pub(super) async fn list<T: DeserializeOwned, Kept>(
        &self,
        listing: &Listing<'_>,
        keep: impl Fn(T) -> Option<Kept>,
    ) -> Result<Vec<Kept>, Trouble> {
        self.list_bytes(listing, |object| {
            serde_json::from_slice(object.bytes)
                .map(&keep)
                .map_err(|error| Trouble::misfit(&error))
        })
        .await
    }

    /// Every object of a list, each kept as `keep` reads it from its bytes.
    ///
    /// The list is consistent: all pages are of the state at its beginning, or it is begun anew.
    pub(super) async fn list_bytes<Kept>(
        &self,
        listing: &Listing<'_>,
        keep: impl Fn(Object<'_>) -> Result<Option<Kept>, Trouble>,
    ) -> Result<Vec<Kept>, Trouble> {
        let mut restarts = 0;
        loop {
            match self.pages(listing, &keep).await {
                Err(Trouble::Expired) if restarts < RESTARTS => restarts += 1,
                Err(Trouble::Expired) => {
                    return Err(Trouble::failed("the list expired again and again while it was read"));
                }
                result => return result,
            }
        }
    }

    async fn pages<Kept>(
        &self,
        listing: &Listing<'_>,
        keep: &impl Fn(Object<'_>) -> Result<Option<Kept>, Trouble>,
    ) -> Result<Vec<Kept>, Trouble> {
        let mut kept = Vec::new();
        let mut patience = Patience::default();
        let mut page = listing.page(None);
        let mut opened = None;
        loop {
            let before = kept.len();
            let answer = match opened.take() {
                Some(answer) => answer,
                None => self.get(&page, listing.accept).await?,
            };
            match self.page(listing, answer, keep, &mut kept).await {
                Ok(None) => return Ok(kept),
                Ok(Some((token, next))) => {
                    page = listing.page(Some(&token));
                    opened = Some(next);
                    patience = Patience::default();
                }
                Err(cut @ Trouble::Cut(_)) => {
                    kept.truncate(before);
                    self.pause(&mut patience, None, cut).await?;
                }
                Err(trouble) => return Err(trouble),
            }
        }
    }

    /// Reads one page, and opens the next as soon as its token is known.
    async fn page<Kept>(
        &self,
        listing: &Listing<'_>,
        mut answer: Answer<'_>,
        keep: &impl Fn(Object<'_>) -> Result<Option<Kept>, Trouble>,
        kept: &mut Vec<Kept>,
    ) -> Result<Option<(String, Answer<'_>)>, Trouble> {
        let mut objects = Splitter::of(answer.encoding);
        let mut take = |piece: &[u8], objects: &mut Splitter| {
            objects.take(piece, |object| {
                kept.extend(keep(object)?);
                Ok(())
            })
        };
        while objects.token().is_none() {
            match answer.piece().await? {
                Some(piece) => take(&piece, &mut objects)?,
                None => break,
            }
        }
        let token = objects.token().filter(|token| !token.is_empty());
        let rest = async {
            while let Some(piece) = answer.piece().await? {
                take(&piece, &mut objects)?;
            }
            drop(answer);
            if objects.is_complete() {
                Ok(())
            } else {
                Err(Trouble::Cut("the connection was cut in the middle of a list".into()))
            }
        };
        let Some(token) = token else {
            rest.await?;
            return Ok(None);
        };
        let next_page = listing.page(Some(&token));
        let ((), next) = futures::try_join!(rest, self.get(&next_page, listing.accept))?;
        Ok(Some((token, next)))
    }
}
