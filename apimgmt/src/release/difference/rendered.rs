//! What Helm renders of one revision: from its record, or by a dry run.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::{
    Error,
    release::{Helm, change::Change, manifest, store::Hook},
};

/// A revision, rendered.
#[derive(Debug, Clone, Default)]
pub(in crate::release) struct Rendered {
    /// Objects by `kind/name`.
    pub(in crate::release) objects: BTreeMap<String, Object>,
    /// The chart's values with those of the user over them.
    pub(in crate::release) values: Value,
}

/// One object.
#[derive(Debug, Clone, Default, PartialEq)]
pub(in crate::release) struct Object {
    /// The object.
    pub(in crate::release) body: Value,
    /// Whether it is a hook.
    pub(in crate::release) hook: bool,
}

/// What is read of a record, or of the answer to a dry run: both have the same shape.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::release) struct Whole {
    config: Option<Value>,
    chart: WholeChart,
    manifest: String,
    #[serde(deserialize_with = "crate::snapshot::null_is_empty")]
    hooks: Vec<Hook>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct WholeChart {
    values: Option<Value>,
}

impl Rendered {
    /// What Helm would apply, by its own dry run on the server.
    ///
    /// # Errors
    /// When Helm refuses it.
    pub(in crate::release) async fn wanted(helm: &Helm, change: &Change) -> Result<Self, Error> {
        let mut arguments = vec![change.release.clone(), change.chart.clone()];
        arguments.extend(["--dry-run=server".into(), "--output=json".into()]);
        let is_of_a_run =
            |word: &&String| !["--wait", "--wait-for-jobs"].contains(&word.split('=').next().unwrap_or_default());
        arguments.extend(change.helm.iter().filter(is_of_a_run).cloned());
        let text = helm.output(change.verb.word(), arguments).await.map_err(|error| {
            let refused = format!("`helm {}` refused, and nothing was changed", change.verb.word());
            let why = std::error::Error::source(&error)
                .map(ToString::to_string)
                .unwrap_or_default();
            Error::could_not(refused).because(why)
        })?;
        let whole: Whole = serde_json::from_str(&text)
            .map_err(|error| Error::could_not("the answer of Helm's dry run can't be read").because(error))?;
        Self::of(whole)
    }

    /// What a record or a dry run holds.
    ///
    /// # Errors
    /// When its manifest is no YAML.
    pub(in crate::release) fn of(whole: Whole) -> Result<Self, Error> {
        let mut objects = BTreeMap::new();
        let hooks = whole.hooks.iter().map(|hook| (hook.manifest.as_str(), true));
        for (text, hook) in [(whole.manifest.as_str(), false)].into_iter().chain(hooks) {
            let rendered = manifest::objects(text)
                .map_err(|why| Error::could_not("the rendered manifest is not YAML").because(why))?;
            for body in rendered {
                let kind = body["kind"].as_str().unwrap_or_default();
                let name = body["metadata"]["name"].as_str().unwrap_or("?");
                objects.insert(format!("{}/{name}", kind.to_lowercase()), Object { body, hook });
            }
        }
        let mut values = whole.chart.values.unwrap_or_default();
        merge(&mut values, whole.config.unwrap_or_default());
        Ok(Self { objects, values })
    }

    /// Pod templates by the workload that has them.
    pub(super) fn templates(&self) -> impl Iterator<Item = (&str, &Value, &Value)> {
        self.objects.iter().filter_map(|(name, object)| {
            let template = match name.split('/').next()? {
                "deployment" | "statefulset" | "daemonset" | "job" => &object.body["spec"]["template"],
                "cronjob" => &object.body["spec"]["jobTemplate"]["spec"]["template"],
                _ => return None,
            };
            Some((name.as_str(), template, &object.body))
        })
    }
}

/// As Helm layers values: maps are merged, everything else is replaced, null removes.
fn merge(under: &mut Value, over: Value) {
    match (under, over) {
        (Value::Object(under), Value::Object(over)) => {
            for (key, value) in over {
                if value.is_null() {
                    under.remove(&key);
                } else {
                    merge(under.entry(key).or_insert(Value::Null), value);
                }
            }
        }
        (_, Value::Null) => {}
        (under, over) => *under = over,
    }
}
