//! What a change would change: objects field by field, values, images, the database's schema, and what will be away meanwhile.
//!
//! Both sides are what Helm renders: the deployed revision from its record, the wanted one by a dry run on the server, so that
//! `lookup` and the cluster's own versions count. Secrets are redacted before anything is kept.

mod consequences;
mod fields;
mod redaction;
mod rendered;
mod saved;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

pub use consequences::{ImageChange, Migration};
pub use fields::Field;
use redaction::Redaction;
pub(super) use rendered::Rendered;
pub use saved::SavedPlan;

use super::change::Verb;

/// What happens to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// It is new.
    Add,
    /// It stays, with other fields.
    Change,
    /// It goes.
    Remove,
}

/// One object that changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// What happens to it.
    pub action: Action,
    /// `deployment/api-management`.
    pub object: String,
    /// Whether it is a hook.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub hook: bool,
    /// Fields that change; empty for what is new or goes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<Field>,
}

/// The difference between a deployed revision and what is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Version of this shape.
    pub schema: String,
    /// Install or upgrade.
    pub verb: Verb,
    /// Release.
    pub release: String,
    /// Namespace.
    pub namespace: String,
    /// Revision that is deployed; 0 for none.
    pub from: u32,
    /// Objects that change.
    pub changes: Vec<Changed>,
    /// Objects that differ in nothing but the chart's version label.
    pub relabelled: usize,
    /// Values that change, the chart's defaults among them.
    pub values: Vec<Field>,
    /// Images that change.
    pub images: Vec<ImageChange>,
    /// Whether the database's schema goes up.
    pub migration: Option<Migration>,
    /// What will be away meanwhile, and why.
    pub downtime: Vec<String>,
    /// What a person should know before saying yes.
    pub warnings: Vec<String>,
}

impl Difference {
    /// Compares; without a deployed revision everything is new.
    pub(super) fn of(
        (verb, release, namespace, from): (Verb, &str, &str, u32),
        deployed: Option<&Rendered>,
        wanted: &Rendered,
    ) -> Self {
        let nothing = Rendered::default();
        let before = deployed.unwrap_or(&nothing);
        let redaction = Redaction::of([before, wanted]);
        let mut changes = Vec::new();
        let mut relabelled = 0;
        let names: BTreeSet<_> = before.objects.keys().chain(wanted.objects.keys()).collect();
        for name in names {
            let (action, fields, hook) = match (before.objects.get(name), wanted.objects.get(name)) {
                (None, Some(new)) => (Action::Add, vec![], new.hook),
                (Some(old), None) => (Action::Remove, vec![], old.hook),
                (Some(old), Some(new)) => {
                    let mut fields = fields::compare(&old.body, &new.body);
                    let all = fields.len();
                    fields.retain(|field| !is_version_label(&field.path));
                    if fields.is_empty() {
                        relabelled += usize::from(all > 0);
                        continue;
                    }
                    let is_secret = name.starts_with("secret/");
                    for field in &mut fields {
                        redaction.cover(field, is_secret);
                    }
                    (Action::Change, fields, new.hook)
                }
                (None, None) => continue,
            };
            changes.push(Changed {
                action,
                object: name.clone(),
                hook,
                fields,
            });
        }
        let mut values = deployed.map_or_else(Vec::new, |before| fields::compare(&before.values, &wanted.values));
        for field in &mut values {
            redaction.cover(field, false);
        }
        let mut difference = Self {
            schema: "apimgmt.diff/v1".into(),
            verb,
            release: release.into(),
            namespace: namespace.into(),
            from,
            changes,
            relabelled,
            values,
            images: Vec::new(),
            migration: None,
            downtime: Vec::new(),
            warnings: Vec::new(),
        };
        consequences::tell(&mut difference, before, wanted);
        difference
    }

    /// Whether anything at all would change.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.relabelled == 0 && self.values.is_empty()
    }
}

/// Labels that every new version of a chart writes on each of its objects.
fn is_version_label(path: &str) -> bool {
    [
        "metadata.labels[helm.sh/chart]",
        "metadata.labels[app.kubernetes.io/version]",
    ]
    .iter()
    .any(|label| path.ends_with(label))
}

#[cfg(test)]
mod tests;
