//! Two documents field by field: maps by key, lists of named things by name, texts of several lines by their lines.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Longest value that is shown.
const LONGEST: usize = 200;
/// Most lines of a text that are shown on each side.
const LINES: usize = 12;

/// A field that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// `spec.template.spec.containers[app].image`.
    pub path: String,
    /// What it is; nothing when it is not there.
    pub old: Option<String>,
    /// What it will be; nothing when it goes.
    pub new: Option<String>,
}

/// Every field in which they differ, in the order of their paths.
pub(super) fn compare(old: &Value, new: &Value) -> Vec<Field> {
    let mut found = Vec::new();
    walk("", Some(old), Some(new), &mut found);
    found
}

/// Every leaf with its path, whole: for digests, never to be shown.
pub(super) fn leaves(path: &str, value: &Value, found: &mut Vec<(String, String)>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                leaves(&step(path, key), value, found);
            }
        }
        Value::Array(list) if !list.is_empty() => {
            for (at, value) in list.iter().enumerate() {
                leaves(&format!("{path}[{at}]"), value, found);
            }
        }
        leaf => found.push((path.to_owned(), leaf.to_string())),
    }
}

fn walk(path: &str, old: Option<&Value>, new: Option<&Value>, found: &mut Vec<Field>) {
    if old == new {
        return;
    }
    let maps = (old.and_then(Value::as_object), new.and_then(Value::as_object));
    let lists = (old.and_then(Value::as_array), new.and_then(Value::as_array));
    // What is new or goes is walked too: each of its leaves has a path, which says whether it may be shown.
    match (old, new) {
        (Some(Value::Object(_)) | None, Some(Value::Object(_)) | None) => {
            let keys: BTreeSet<_> = [maps.0, maps.1].into_iter().flatten().flat_map(Map::keys).collect();
            for key in &keys {
                let [old, new] = [maps.0, maps.1].map(|map| map.and_then(|map| map.get(*key)));
                walk(&step(path, key), old, new, found);
            }
            if keys.is_empty() {
                found.push(leaf(path, old, new));
            }
        }
        (Some(Value::Array(_)) | None, Some(Value::Array(_)) | None) => {
            let (old, new) = (
                lists.0.map_or(&[][..], Vec::as_slice),
                lists.1.map_or(&[][..], Vec::as_slice),
            );
            if let (Some(old), Some(new)) = (by_name(old), by_name(new)) {
                let names: BTreeSet<_> = old.keys().chain(new.keys()).collect();
                for name in names {
                    walk(&format!("{path}[{name}]"), old.get(name), new.get(name), found);
                }
            } else {
                for at in 0..old.len().max(new.len()) {
                    walk(&format!("{path}[{at}]"), old.get(at), new.get(at), found);
                }
            }
        }
        (Some(Value::String(old)), Some(Value::String(new))) if old.contains('\n') || new.contains('\n') => {
            let (old, new) = lines(old, new);
            found.push(Field {
                path: path.into(),
                old: Some(old),
                new: Some(new),
            });
        }
        (old, new) => found.push(leaf(path, old, new)),
    }
}

fn leaf(path: &str, old: Option<&Value>, new: Option<&Value>) -> Field {
    Field {
        path: path.into(),
        old: old.map(shown),
        new: new.map(shown),
    }
}

fn step(path: &str, key: &str) -> String {
    // A key with dots or slashes of its own, as labels have.
    if key.contains(['.', '/']) {
        format!("{path}[{key}]")
    } else if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// The things of a list by their names, when each has one of its own.
fn by_name(list: &[Value]) -> Option<Map<String, Value>> {
    let mut named = Map::new();
    for thing in list {
        let name = thing.get("name")?.as_str()?.to_owned();
        if named.insert(name, thing.clone()).is_some() {
            return None;
        }
    }
    Some(named)
}

fn shown(value: &Value) -> String {
    let text = match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    shortened(&text)
}

fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

/// The lines of two texts without those that begin and end both.
fn lines(old: &str, new: &str) -> (String, String) {
    let (old, new): (Vec<_>, Vec<_>) = (old.lines().collect(), new.lines().collect());
    let same = |left: &mut dyn Iterator<Item = &&str>, right: &mut dyn Iterator<Item = &&str>| {
        left.zip(right).take_while(|(left, right)| left == right).count()
    };
    let head = same(&mut old.iter(), &mut new.iter());
    let most = old.len().min(new.len()) - head;
    let tail = same(&mut old.iter().rev(), &mut new.iter().rev()).min(most);
    let middle = |lines: &[&str]| {
        let lines = &lines[head..lines.len() - tail];
        let mut shown: Vec<_> = lines.iter().take(LINES).map(|line| shortened(line)).collect();
        if lines.len() > LINES {
            shown.push(format!("… {} lines more", lines.len() - LINES));
        }
        shown.join("\n")
    };
    (middle(&old), middle(&new))
}
