//! The part of an object's metadata that some unit reads.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Deserializer, Serialize};

use super::{Shared, Text, Uid};

/// Labels or annotations by key.
pub type Labels = BTreeMap<String, String>;

/// Name, place, owner and age of an object.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Metadata {
    /// Name.
    pub name: String,
    /// Namespace; empty for cluster-scoped objects.
    pub namespace: Text,
    /// Unique id.
    pub uid: Uid,
    /// Labels.
    pub labels: Shared<Labels>,
    /// Annotations without those that repeat the whole object.
    #[serde(deserialize_with = "without_copies")]
    pub annotations: Shared<Labels>,
    /// When it was created.
    pub creation_timestamp: Option<Timestamp>,
    /// When its deletion was asked for.
    pub deletion_timestamp: Option<Timestamp>,
    /// Who owns it.
    pub owner_references: Shared<Vec<OwnerReference>>,
    /// What must finish before it may go.
    pub finalizers: Vec<String>,
    /// Counts changes of the spec.
    pub generation: i64,
}

/// An owner of an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OwnerReference {
    /// Kind of the owner.
    pub kind: String,
    /// Name of the owner.
    pub name: String,
    /// Whether it is the managing controller.
    pub controller: bool,
}

impl Metadata {
    /// The owner that manages this object.
    pub fn controller(&self) -> Option<&OwnerReference> {
        self.owner_references.iter().find(|owner| owner.controller)
    }

    /// Whether an object of this kind and name manages it.
    pub fn is_controlled_by(&self, kind: &str, name: &str) -> bool {
        self.controller()
            .is_some_and(|owner| owner.kind == kind && owner.name == name)
    }

    /// The value of a label.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }
}

/// Drops the annotations that hold a copy of the object: for a Secret they would hold its values.
fn without_copies<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Shared<Labels>, D::Error> {
    let mut annotations = Option::<Labels>::deserialize(deserializer)?.unwrap_or_default();
    annotations.remove("kubectl.kubernetes.io/last-applied-configuration");
    Ok(annotations.into())
}

/// A label selector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct LabelSelector {
    /// Labels that must be equal.
    pub match_labels: Shared<Labels>,
    /// Further requirements.
    pub match_expressions: Vec<Requirement>,
}

/// One requirement of a selector.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Requirement {
    /// Label key.
    pub key: String,
    /// `In`, `NotIn`, `Exists`, `DoesNotExist`, and for nodes also `Gt`, `Lt`.
    pub operator: String,
    /// Values to compare with.
    pub values: Vec<String>,
}

impl Requirement {
    /// Whether `labels` meet this requirement, as the API server and the scheduler decide it.
    pub fn matches(&self, labels: &Labels) -> bool {
        let value = labels.get(&self.key);
        let number = |text: &str| text.parse::<i64>().ok();
        let compared = |holds: fn(i64, i64) -> bool| {
            let left = value.and_then(|value| number(value));
            let right = self.values.first().and_then(|value| number(value));
            matches!((left, right), (Some(left), Some(right)) if holds(left, right))
        };
        match self.operator.as_str() {
            "In" => value.is_some_and(|value| self.values.contains(value)),
            "NotIn" => value.is_none_or(|value| !self.values.contains(value)),
            "Exists" => value.is_some(),
            "DoesNotExist" => value.is_none(),
            "Gt" => compared(|left, right| left > right),
            "Lt" => compared(|left, right| left < right),
            _ => false,
        }
    }
}

impl LabelSelector {
    /// Whether `labels` are selected; an empty selector selects everything.
    pub fn matches(&self, labels: &Labels) -> bool {
        self.match_labels
            .iter()
            .all(|(key, value)| labels.get(key) == Some(value))
            && self
                .match_expressions
                .iter()
                .all(|requirement| requirement.matches(labels))
    }
}
