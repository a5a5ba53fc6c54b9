//! A search for the values of secrets where none may be: logs, workloads, config maps, Helm's values and notes. Everything
//! streams past an automaton; no text is kept, and of a find only where it was.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use futures::{StreamExt, stream};
use serde_json::Value;

use super::{
    Run,
    list::{Listing, path},
    needles::Needles,
    releases::Texts,
    trouble::Trouble,
    vault::Vault,
};
use crate::snapshot::{
    Pod, Snapshot, Source, Unreadable, Why, hostile,
    sessions::{Exposure, Found, Searched},
};

/// Most runs of containers whose logs are read, and pods that no workload made.
const MOST: usize = 150;
/// Runs whose logs are read where there are more than that: then the verdict is open anyway, and a few of each workload
/// show what it logs.
const SAMPLE: usize = 40;
/// Logs read at once.
const AT_ONCE: usize = 8;
/// Finds that are named; the first already is the verdict.
const NAMED: usize = 50;

/// Objects whose templates and annotations are searched. Pods that these made repeat them.
const WORKLOADS: [Source; 8] = [
    Source::Deployments,
    Source::StatefulSets,
    Source::ReplicaSets,
    Source::DaemonSets,
    Source::Jobs,
    Source::CronJobs,
    Source::Services,
    Source::Ingresses,
];

/// What has been searched so far.
struct Hunt<'a> {
    needles: &'a Needles,
    searched: Mutex<BTreeMap<&'static str, Searched>>,
    found: Mutex<BTreeSet<Found>>,
}

const LOGS: &str = Searched::PLACES[0];
const TEMPLATES: &str = Searched::PLACES[1];
const MAPS: &str = Searched::PLACES[2];
const HELM: &str = Searched::PLACES[3];

impl Run {
    pub(super) async fn exposure(&self, snapshot: &Snapshot, vault: &Vault) -> Result<Exposure, Trouble> {
        let needs = |unreadable: Unreadable| Trouble::Unreadable(Why::Needs(unreadable.source));
        vault.must_be_whole()?;
        let needles = Needles::of(vault)?;
        let pods = snapshot.pods().map_err(needs)?;
        let hunt = Hunt {
            needles: &needles,
            searched: Mutex::default(),
            found: Mutex::default(),
        };
        let maps = Listing::in_namespace("configmaps", self.namespace());
        futures::join!(
            self.search_logs(&hunt, pods),
            self.search_workloads(&hunt, pods),
            self.search_list(&hunt, MAPS, Source::ConfigMaps, &maps),
            self.search_helm(&hunt),
        );
        Ok(hunt.result())
    }

    async fn search_logs(&self, hunt: &Hunt<'_>, pods: &[Pod]) {
        hunt.begin(LOGS);
        let mut runs = Vec::new();
        for pod in pods {
            for status in pod.statuses() {
                let name = (pod.metadata.name.as_str(), status.name.as_str());
                if status.state.running.is_some() || status.state.terminated.is_some() {
                    runs.push((name, false));
                }
                if status.restart_count > 0 || status.last_state.terminated.is_some() {
                    runs.push((name, true));
                }
            }
        }
        if runs.len() > MOST {
            hunt.gap(
                LOGS,
                &format!("{} of {} logs were not read", runs.len() - SAMPLE, runs.len()),
            );
            // Spread over all of them: siblings stand together.
            runs = runs.iter().step_by(runs.len() / SAMPLE).take(SAMPLE).copied().collect();
        }
        let each = runs
            .into_iter()
            .map(|(name, previous)| self.search_log(hunt, name, previous));
        stream::iter(each.collect::<Vec<_>>())
            .for_each_concurrent(AT_ONCE, |search| search)
            .await;
    }

    /// The log that a node keeps of one run of a container, from its beginning.
    async fn search_log(&self, hunt: &Hunt<'_>, (pod, container): (&str, &str), previous: bool) {
        let place = format!(
            "{}log of {container} of pod/{pod}",
            if previous { "former " } else { "" }
        );
        let log = path("", "v1", Some(self.namespace()), &format!("pods/{pod}/log"));
        let query = format!("{log}?container={container}&previous={previous}");
        let read = async {
            let (status, _, mut answer) = self.api.get_once(&query, "*/*").await?;
            match status.as_u16() {
                200 => {}
                403 => return Err(Trouble::Unreadable(Why::Forbidden)),
                // The node has no log of that run (any more), or the pod has gone: nobody can read it there.
                400 | 404 => return Ok(()),
                other => return Err(Trouble::failed(format!("HTTP {other}"))),
            }
            let mut search = hunt.needles.search();
            let mut bytes = 0;
            let ended = loop {
                match answer.piece().await {
                    Ok(Some(piece)) => {
                        bytes += piece.len();
                        search.feed(&piece);
                    }
                    Ok(None) => break Ok(()),
                    Err(trouble) => break Err(trouble),
                }
            };
            hunt.count(LOGS, bytes);
            search.hits().into_iter().for_each(|hit| hunt.find(hit, &place));
            ended
        };
        if let Err(trouble) = read.await {
            self.miss(hunt, LOGS, (Source::Logs, "get"), &format!("{place}: "), &trouble);
        }
    }

    async fn search_workloads(&self, hunt: &Hunt<'_>, pods: &[Pod]) {
        hunt.begin(TEMPLATES);
        let lists = WORKLOADS.map(|source| async move {
            let listing = Listing::of(source, self.namespace());
            self.search_list(hunt, TEMPLATES, source, &listing).await;
        });
        futures::future::join_all(lists).await;
        // Annotations are the one part of a pod that its workload did not write.
        for pod in pods {
            for (key, value) in &pod.metadata.annotations {
                for hit in hunt.needles.in_text(value.as_bytes()) {
                    hunt.find(
                        hit,
                        &format!("{} metadata.annotations[{}]", pod.object(), hostile::capped(key, 100)),
                    );
                }
            }
        }
        let orphans: Vec<_> = pods.iter().filter(|pod| pod.metadata.controller().is_none()).collect();
        if orphans.len() > MOST {
            hunt.gap(
                TEMPLATES,
                &format!("{} pods without a workload were not read", orphans.len() - MOST),
            );
        }
        let each = orphans.into_iter().take(MOST).map(|pod| self.search_pod(hunt, pod));
        stream::iter(each.collect::<Vec<_>>())
            .for_each_concurrent(AT_ONCE, |search| search)
            .await;
    }

    /// A pod that no workload made, whole.
    async fn search_pod(&self, hunt: &Hunt<'_>, pod: &Pod) {
        let path = path("", "v1", Some(self.namespace()), &format!("pods/{}", pod.metadata.name));
        match self.api.object::<Value>(&path).await {
            Ok(Some(object)) => hunt.object(TEMPLATES, "Pod", object.to_string().as_bytes()),
            Ok(None) => {}
            Err(trouble) => self.miss(
                hunt,
                TEMPLATES,
                (Source::Pods, "get"),
                &format!("{}: ", pod.object()),
                &trouble,
            ),
        }
    }

    async fn search_list(&self, hunt: &Hunt<'_>, place: &'static str, source: Source, listing: &Listing<'_>) {
        hunt.begin(place);
        let kind = source.access().resource.trim_end_matches('s');
        let read = self.api.list_bytes(listing, |object| {
            hunt.object(place, kind, object.bytes);
            Ok(None::<()>)
        });
        if let Err(trouble) = read.await {
            self.miss(hunt, place, (source, "list"), "", &trouble);
        }
    }

    async fn search_helm(&self, hunt: &Hunt<'_>) {
        hunt.begin(HELM);
        match self.release_texts().await {
            Ok(texts) => texts.iter().for_each(|Texts { object, values, notes }| {
                hunt.count(HELM, values.len() + notes.len());
                for (part, text) in [("values", values), ("notes", notes)] {
                    for hit in hunt.needles.in_text(text.as_bytes()) {
                        hunt.find(hit, &format!("{part} of {object}"));
                    }
                }
            }),
            Err(trouble) => self.miss(hunt, HELM, (Source::Releases, "list"), "", &trouble),
        }
    }

    /// Notes what could not be searched; `what` of it, when it is a part.
    fn miss(
        &self,
        hunt: &Hunt<'_>,
        place: &'static str,
        (source, verb): (Source, &str),
        what: &str,
        trouble: &Trouble,
    ) {
        match trouble {
            Trouble::Unreadable(Why::Forbidden) => hunt.refuse(
                place,
                Unreadable {
                    verb: verb.into(),
                    ..Unreadable::new(source, self.namespace(), Why::Forbidden)
                },
            ),
            trouble => hunt.gap(place, &format!("{what}{}", in_words(trouble, source.access().resource))),
        }
    }
}

/// What stood in the way.
fn in_words(trouble: &Trouble, resource: &str) -> String {
    match trouble {
        Trouble::Unreadable(Why::Timeout) => format!("`{resource}` were not read to their end in time"),
        Trouble::Unreadable(Why::Budget) => format!("the run's budget of requests ended before `{resource}` were read"),
        Trouble::Unreadable(Why::Failed(message) | Why::Session(message)) | Trouble::Cut(message) => {
            format!("`{resource}` could not be read: {message}")
        }
        Trouble::Fatal(error) => format!("`{resource}` could not be read: {error}"),
        Trouble::Absent | Trouble::Expired | Trouble::Unreadable(_) => format!("`{resource}` could not be read"),
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hunt<'_> {
    fn begin(&self, place: &'static str) {
        locked(&self.searched).entry(place).or_default();
    }

    fn count(&self, place: &'static str, bytes: usize) {
        let mut searched = locked(&self.searched);
        let searched = searched.entry(place).or_default();
        searched.count += 1;
        searched.bytes += bytes as u64;
    }

    fn refuse(&self, place: &'static str, unreadable: Unreadable) {
        let mut searched = locked(&self.searched);
        let refused = &mut searched.entry(place).or_default().refused;
        if !refused.contains(&unreadable) {
            refused.push(unreadable);
        }
    }

    fn gap(&self, place: &'static str, why: &str) {
        locked(&self.searched)
            .entry(place)
            .or_default()
            .gaps
            .push(hostile::line(why));
    }

    fn find(&self, hit: usize, place: &str) {
        let mut found = locked(&self.found);
        if found.len() < NAMED {
            found.insert(self.needles.found(hit, &hostile::capped(place, 200)));
        }
    }

    /// Searches an object's bytes as they came; only one that has something is read, to say where.
    fn object(&self, place: &'static str, kind: &str, bytes: &[u8]) {
        self.count(place, bytes.len());
        let hits = self.needles.in_text(bytes);
        if hits.is_empty() {
            return;
        }
        let object: Value = serde_json::from_slice(bytes).unwrap_or_default();
        let name = object["metadata"]["name"].as_str().unwrap_or("?");
        let title = format!("{}/{name}", kind.to_ascii_lowercase());
        let mut named = BTreeSet::new();
        self.places(&object, "", &mut named);
        for (hit, field) in &named {
            self.find(*hit, &format!("{title} {field}"));
        }
        // Split over fields or dressed for JSON: found all the same, though not where.
        for hit in hits.into_iter().filter(|_| named.is_empty()) {
            self.find(hit, &title);
        }
    }

    fn places(&self, value: &Value, field: &str, named: &mut BTreeSet<(usize, String)>) {
        match value {
            Value::String(text) => {
                let hits = self.needles.in_text(text.as_bytes());
                named.extend(hits.into_iter().map(|hit| (hit, field.to_owned())));
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    // A variable's name says more than its number.
                    let name = item["name"].as_str().map_or_else(|| index.to_string(), str::to_owned);
                    self.places(item, &format!("{field}[{name}]"), named);
                }
            }
            Value::Object(fields) => {
                for (key, value) in fields.iter().filter(|(key, _)| *key != "managedFields") {
                    let dot = if field.is_empty() { "" } else { "." };
                    self.places(value, &format!("{field}{dot}{key}"), named);
                }
            }
            _ => {}
        }
    }

    fn result(self) -> Exposure {
        let searched = self.searched.into_inner().unwrap_or_else(PoisonError::into_inner);
        let searched = searched.into_iter().map(|(place, mut searched)| {
            searched.place = place.into();
            searched.gaps.sort();
            searched.gaps.dedup();
            searched.gaps.truncate(NAMED);
            searched
        });
        Exposure {
            values: self.needles.values,
            left_out: self.needles.left_out.clone(),
            searched: searched.collect(),
            found: self
                .found
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner)
                .into_iter()
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests;
