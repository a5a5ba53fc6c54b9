//! Hears of changes by watches of the kinds that were read, metadata alone, so that what did not change is not read again.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{TryStreamExt, pin_mut};
use http::header::ACCEPT;
use kube::{Client, core::WatchEvent};
use serde::Deserialize;
use tokio::{
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
    task::JoinSet,
    time::sleep,
};

use super::{closure, list::path};
use crate::snapshot::{Scope, Source};

const LIST: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const OBJECT: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// How long the server keeps a watch; it is then taken up where it ended.
const KEPT: u32 = 290;
/// The longest pause before a watch that broke is tried again; the first is a second.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// One change seldom comes alone: what follows within this time belongs to it.
const TOGETHER: Duration = Duration::from_millis(500);

/// Watches over some sources; they end when it is dropped.
pub struct Watcher {
    heard: UnboundedReceiver<Heard>,
    wanted: BTreeSet<Source>,
    unwatched: BTreeSet<Source>,
    _watches: JoinSet<()>,
}

/// What a watch has to say.
enum Heard {
    /// Something of its kind changed, or may have.
    Changed(BTreeSet<Source>),
    /// It may not watch.
    Refused(BTreeSet<Source>),
}

impl Watcher {
    /// Begins to watch everything that sources and what they require can be watched by.
    pub fn start(client: &Client, namespace: &str, sources: &BTreeSet<Source>) -> Self {
        let wanted = closure(sources);
        let mut by_path: BTreeMap<String, BTreeSet<Source>> = BTreeMap::new();
        let mut unwatched = BTreeSet::new();
        for source in &wanted {
            match watched_path(*source, namespace) {
                Some(path) => _ = by_path.entry(path).or_default().insert(*source),
                None => _ = unwatched.insert(*source),
            }
        }
        let (sender, heard) = unbounded_channel();
        let mut watches = JoinSet::new();
        for (path, sources) in by_path {
            watches.spawn(watch(client.clone(), path, sources, sender.clone()));
        }
        Self {
            heard,
            wanted,
            unwatched,
            _watches: watches,
        }
    }

    /// What no watch tells of, and so must be read again from time to time: sessions, usage, and what may not be watched.
    pub fn unwatched(&self) -> BTreeSet<Source> {
        self.unwatched.clone()
    }

    /// Waits for a change; gives what must be read again: what changed, and what was read by way of it.
    pub async fn changed(&mut self) -> BTreeSet<Source> {
        let mut changed = BTreeSet::new();
        while changed.is_empty() {
            match self.heard.recv().await {
                Some(heard) => self.note(heard, &mut changed),
                // Every watch was refused: the interval alone is left.
                None => std::future::pending().await,
            }
        }
        sleep(TOGETHER).await;
        while let Ok(heard) = self.heard.try_recv() {
            self.note(heard, &mut changed);
        }
        let follows = |source: &Source| {
            closure(&BTreeSet::from([*source]))
                .iter()
                .any(|needed| changed.contains(needed))
        };
        let again = self.wanted.iter().copied().filter(|source| follows(source));
        again.collect()
    }

    fn note(&mut self, heard: Heard, changed: &mut BTreeSet<Source>) {
        match heard {
            Heard::Changed(sources) => changed.extend(sources),
            Heard::Refused(sources) => self.unwatched.extend(sources),
        }
    }
}

/// The list that changes when a source does.
fn watched_path(source: Source, namespace: &str) -> Option<String> {
    let access = source.access();
    let (scope, resource) = match (source, access.scope) {
        // Renewed every few seconds, and not watchable: these are read from time to time.
        (Source::NodeLeases | Source::PodMetrics, _) | (_, Scope::Session) => return None,
        (Source::Logs, _) => return None,
        (_, Scope::Cluster | Scope::AllNamespaces) => (None, access.resource),
        (Source::Namespace, _) => {
            return Some(format!("/api/v1/namespaces?fieldSelector=metadata.name%3D{namespace}"));
        }
        (_, Scope::Namespace | Scope::Named | Scope::OwnNamespace) => (Some(namespace), access.resource),
    };
    Some(path(access.group, access.version, scope, resource))
}

/// An object or a list, of which only the version matters.
#[derive(Deserialize, Clone)]
struct Versioned {
    #[serde(default)]
    metadata: Version,
}

#[derive(Deserialize, Clone, Default)]
#[serde(rename_all = "camelCase", default)]
struct Version {
    resource_version: String,
}

/// Why a watch ended.
enum End {
    /// In good order, or by a broken connection: goes on from this version.
    Resume(String),
    /// The version is too old: what happened since is not known.
    Lost,
    /// The server refuses for good.
    Refused,
}

/// Watches one list for ever; what it may have missed counts as a change.
async fn watch(client: Client, path: String, sources: BTreeSet<Source>, heard: UnboundedSender<Heard>) {
    let mut version = None;
    let mut pause = Duration::from_secs(1);
    let mut missed = false;
    loop {
        let from = match version.take() {
            Some(version) => Ok(version),
            None => newest(&client, &path).await,
        };
        let end = match from {
            Ok(from) => {
                if std::mem::take(&mut missed) {
                    let _ = heard.send(Heard::Changed(sources.clone()));
                }
                pause = Duration::from_secs(1);
                follow(&client, &path, from, &sources, &heard).await
            }
            Err(end) => end,
        };
        match end {
            End::Resume(from) => version = Some(from),
            End::Refused => {
                let _ = heard.send(Heard::Refused(sources));
                return;
            }
            End::Lost => {
                missed = true;
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        if heard.is_closed() {
            return;
        }
    }
}

fn joined(path: &str, query: &str) -> String {
    format!("{path}{}{query}", if path.contains('?') { '&' } else { '?' })
}

/// The version of the list as it is now, for the price of one object.
async fn newest(client: &Client, path: &str) -> Result<String, End> {
    let request = http::Request::get(joined(path, "limit=1"))
        .header(ACCEPT, LIST)
        .body(Vec::new())
        .map_err(|_| End::Refused)?;
    match client.request::<Versioned>(request).await {
        Ok(list) => Ok(list.metadata.resource_version),
        Err(error) => Err(end_of(&error)),
    }
}

/// What cannot get better by trying again: forbidden, or not served.
fn end_of(error: &kube::Error) -> End {
    match error {
        kube::Error::Api(status) if matches!(status.code, 401 | 403 | 404 | 405) => End::Refused,
        _ => End::Lost,
    }
}

async fn follow(
    client: &Client,
    path: &str,
    mut from: String,
    sources: &BTreeSet<Source>,
    heard: &UnboundedSender<Heard>,
) -> End {
    let query = format!("watch=true&allowWatchBookmarks=true&timeoutSeconds={KEPT}&resourceVersion={from}");
    let request = http::Request::get(joined(path, &query))
        .header(ACCEPT, OBJECT)
        .body(Vec::new());
    let Ok(request) = request else { return End::Refused };
    let events = match client.request_events::<Versioned>(request).await {
        Ok(events) => events,
        Err(error) => return end_of(&error),
    };
    pin_mut!(events);
    loop {
        match events.try_next().await {
            Ok(None) => return End::Resume(from),
            Ok(Some(WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object))) => {
                from = object.metadata.resource_version;
                let _ = heard.send(Heard::Changed(sources.clone()));
            }
            Ok(Some(WatchEvent::Bookmark(bookmark))) => from = bookmark.metadata.resource_version,
            Ok(Some(WatchEvent::Error(_))) | Err(_) => return End::Lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_watch_serves_every_source_of_its_list() {
        let path = |source| watched_path(source, "shop");
        assert_eq!(path(Source::Secrets), path(Source::Releases));
        assert_eq!(path(Source::ConfigMaps), path(Source::Expectations));
        assert_eq!(path(Source::Nodes).as_deref(), Some("/api/v1/nodes"));
        assert_eq!(
            path(Source::Namespace).as_deref(),
            Some("/api/v1/namespaces?fieldSelector=metadata.name%3Dshop")
        );
        for source in [
            Source::Health,
            Source::Hosts,
            Source::Version,
            Source::PodMetrics,
            Source::NodeLeases,
        ] {
            assert_eq!(path(source), None, "{source:?} cannot be watched");
        }
    }
}
