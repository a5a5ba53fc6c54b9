//! What service accounts need of the API server.

use serde::{Deserialize, Serialize};

use crate::snapshot::sessions::Question;

/// A need, worded as a rule of a role is: every verb on every resource that it names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Permission {
    /// API groups; empty text is the core group.
    pub api_groups: Vec<String>,
    /// Resources, with a subresource after `/`.
    pub resources: Vec<String>,
    /// Verbs.
    pub verbs: Vec<String>,
    /// Objects; none means every one.
    pub resource_names: Vec<String>,
    /// Namespace; absent means the release's own, and `*` the whole cluster.
    pub namespace: Option<String>,
}

impl Permission {
    /// One question for each verb, resource and object, put for `account` of `own`.
    pub fn questions(&self, account: &str, own: &str) -> Vec<Question> {
        let namespace = match self.namespace.as_deref() {
            None => own,
            Some("*") => "",
            Some(other) => other,
        };
        let core = [String::new()];
        let groups = if self.api_groups.is_empty() {
            &core[..]
        } else {
            &self.api_groups[..]
        };
        let every = [String::new()];
        let names = if self.resource_names.is_empty() {
            &every[..]
        } else {
            &self.resource_names[..]
        };
        let mut questions = Vec::new();
        for group in groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    questions.extend(names.iter().map(|name| Question {
                        account: account.into(),
                        verb: verb.clone(),
                        group: group.clone(),
                        resource: resource.clone(),
                        name: name.clone(),
                        namespace: namespace.into(),
                    }));
                }
            }
        }
        questions
    }
}
