//! The objects of a snapshot by name, and what differs between those of two snapshots.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Reading, Snapshot, Source, hostile::capped, recording::listed_objects};

/// Fields of one object that are named; what is more says nothing new.
const FIELDS: usize = 8;
/// Longest value that is shown.
const LONGEST: usize = 120;

/// Objects by `kind/name`, as far as somebody declared them: without their status and without what others keep there.
#[derive(Debug, Default)]
pub struct Objects {
    objects: BTreeMap<(Source, String), Value>,
    read: BTreeSet<Source>,
}

/// How an object differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// It was not there before.
    Created,
    /// It is gone.
    Deleted,
    /// Its fields differ.
    Changed,
}

impl Change {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::Changed => "changed",
        }
    }
}

/// One object that differs.
#[derive(Debug, PartialEq)]
pub struct Difference {
    /// Where it was read.
    pub source: Source,
    /// `kind/name`.
    pub object: String,
    /// How.
    pub change: Change,
    /// The fields that differ, the first few.
    pub fields: Vec<Field>,
}

/// One field that differs.
#[derive(Debug, PartialEq)]
pub struct Field {
    /// Its path, such as `spec.replicas`.
    pub path: String,
    /// Its value before; `None` when it was not there.
    pub before: Option<String>,
    /// Its value now; `None` when it is gone.
    pub now: Option<String>,
}

/// Kinds that change all the time, or only because another object did.
const FOLLOWERS: [&str; 5] = ["Lease", "Event", "PodMetrics", "EndpointSlice", "ReplicaSet"];

impl Snapshot {
    /// What was read of some objects, by `kind/name`: of each once for every source that told of it.
    pub fn described(&self, objects: &BTreeSet<String>) -> BTreeMap<String, Vec<Value>> {
        let mut described: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (_, value) in listed_objects(self) {
            let object = path_of(&value);
            if objects.contains(&object) {
                described.entry(object).or_default().push(value);
            }
        }
        described
    }

    /// The objects that were read, and beside them the release and what is expected of it.
    pub fn objects(&self) -> Objects {
        let mut objects = BTreeMap::new();
        for (source, mut value) in listed_objects(self) {
            let kind = value["kind"].as_str().unwrap_or_default();
            // What a controller made follows from what made the controller; strangers' pods are nobody's business here.
            let is_owned = value["metadata"]["ownerReferences"]
                .as_array()
                .is_some_and(|owners| owners.iter().any(|owner| owner["controller"] == true));
            if is_owned || FOLLOWERS.contains(&kind) || source == Source::ClusterPods {
                continue;
            }
            let name = path_of(&value);
            strip(&mut value);
            objects.insert((source, name), value);
        }
        if let Reading::Read(expectations) = &self.readings.expectations {
            objects.insert((Source::Expectations, "checklist".into()), json!(expectations));
        }
        if let Reading::Read(revisions) = &self.readings.releases {
            for revision in revisions.iter().rev() {
                let value = json!({
                    "revision": revision.revision, "status": revision.status,
                    "chart": revision.chart, "appVersion": revision.app_version,
                });
                objects.insert((Source::Releases, format!("release/{}", revision.name)), value);
            }
        }
        let read = Source::ALL
            .iter()
            .copied()
            .filter(|source| self.readings.was_read(*source));
        Objects {
            objects,
            read: read.collect(),
        }
    }
}

/// `kind/name` of an object.
fn path_of(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default();
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    format!("{}/{name}", kind.to_lowercase())
}

/// Leaves what is declared.
fn strip(object: &mut Value) {
    let Some(fields) = object.as_object_mut() else { return };
    fields.remove("status");
    if let Some(metadata) = fields.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, _| matches!(key.as_str(), "labels" | "annotations" | "deletionTimestamp"));
    }
}

impl Objects {
    /// What differs in `now`.
    pub fn differences(&self, now: &Self) -> Vec<Difference> {
        let keys: BTreeSet<_> = self.objects.keys().chain(now.objects.keys()).collect();
        let mut found = Vec::new();
        for key in keys {
            // What one of the runs did not read may have been there all the same.
            if !self.read.contains(&key.0) || !now.read.contains(&key.0) {
                continue;
            }
            let (before, after) = (self.objects.get(key), now.objects.get(key));
            let (change, fields) = match (before, after) {
                (None, _) => (Change::Created, Vec::new()),
                (_, None) => (Change::Deleted, Vec::new()),
                (Some(before), Some(after)) if before == after => continue,
                (Some(before), Some(after)) => {
                    let mut fields = Vec::new();
                    compare("", Some(before), Some(after), &mut fields);
                    (Change::Changed, fields)
                }
            };
            found.push(Difference {
                source: key.0,
                object: key.1.clone(),
                change,
                fields,
            });
        }
        found
    }
}

/// Notes the leaves that differ.
fn compare(path: &str, before: Option<&Value>, now: Option<&Value>, found: &mut Vec<Field>) {
    if before == now || found.len() >= FIELDS {
        return;
    }
    match (parts(before), parts(now)) {
        (Some(left), Some(right)) => {
            let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
            for key in keys {
                let inner = if path.is_empty() || key.starts_with('[') {
                    format!("{path}{key}")
                } else {
                    format!("{path}.{key}")
                };
                compare(&inner, left.get(key), right.get(key), found);
            }
        }
        _ => found.push(Field {
            path: path.to_owned(),
            before: before.map(shown),
            now: now.map(shown),
        }),
    }
}

/// The parts of an object by key, of a list by the names of its items or their places.
fn parts(value: Option<&Value>) -> Option<Map<String, Value>> {
    match value? {
        Value::Object(fields) => Some(fields.clone()),
        Value::Array(items) => {
            let key = |(at, item): (usize, &Value)| match item["name"].as_str() {
                Some(name) => format!("[{name}]"),
                None => format!("[{at}]"),
            };
            Some(
                items
                    .iter()
                    .enumerate()
                    .map(|(at, item)| (key((at, item)), item.clone()))
                    .collect(),
            )
        }
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    capped(
        &match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        },
        LONGEST,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(replicas: u32, image: &str, more: &str) -> Snapshot {
        Snapshot::from_recording(&format!(
            "takenAt: 2026-11-23T08:00:00Z
objects:
- {{kind: Deployment, metadata: {{name: app, generation: {replicas}, labels: {{a: b}}}}, spec: {{replicas: {replicas}, template: {{spec: {{containers: [{{name: c, image: '{image}'}}, {{name: d}}]}}}}}}, status: {{replicas: {replicas}}}}}
- {{kind: Pod, metadata: {{name: app-{replicas}, ownerReferences: [{{kind: ReplicaSet, name: r, controller: true}}]}}}}
{more}"
        ))
        .unwrap()
    }

    #[test]
    fn what_somebody_declared_differs_by_field_and_what_follows_is_left_out() {
        let (before, now) = (
            snapshot(3, "app:1", "- {kind: Service, metadata: {name: old}}"),
            snapshot(2, "app:2", "- {kind: Service, metadata: {name: new}}"),
        );
        let told: Vec<String> = before
            .objects()
            .differences(&now.objects())
            .iter()
            .map(|difference| {
                let fields = difference.fields.iter();
                let fields: Vec<_> = fields
                    .map(|field| format!("{}: {:?} {:?}", field.path, field.before, field.now))
                    .collect();
                format!(
                    "{} {} {}",
                    difference.object,
                    difference.change.word(),
                    fields.join(", ")
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                "deployment/app changed spec.replicas: Some(\"3\") Some(\"2\"), spec.template.spec.containers[c].image: Some(\"app:1\") Some(\"app:2\")",
                "service/new created ",
                "service/old deleted ",
            ]
        );
        assert!(before.objects().differences(&before.objects()).is_empty());
    }

    #[test]
    fn what_one_run_did_not_read_was_not_created() {
        let service = "- {kind: Service, metadata: {name: new}}";
        let (before, now) = (snapshot(1, "a", "read: [deployments]"), snapshot(1, "a", service));
        assert!(before.objects().differences(&now.objects()).is_empty());
        let read = snapshot(1, "a", "");
        assert_eq!(
            read.objects().differences(&now.objects()).len(),
            1,
            "an empty list that was read is a fact"
        );
    }
}
