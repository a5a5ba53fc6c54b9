//! Who may do what: roles and their bindings.

use serde::{Deserialize, Serialize};

use super::Metadata;

/// A role of a namespace or of the cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Role {
    /// Identity.
    pub metadata: Metadata,
    /// What it permits.
    #[serde(deserialize_with = "super::null_is_empty")]
    pub rules: Vec<Rule>,
}

/// A permission: every verb on every resource that it names.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rule {
    /// Verbs; `*` is every one.
    pub verbs: Vec<String>,
    /// API groups; empty text is the core group, `*` is every one.
    pub api_groups: Vec<String>,
    /// Resources; `*` is every one.
    pub resources: Vec<String>,
    /// Objects; none means every one.
    pub resource_names: Vec<String>,
    /// Paths that are no resources.
    #[serde(rename = "nonResourceURLs")]
    pub non_resource_urls: Vec<String>,
}

/// A binding in a namespace or over the cluster.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Binding {
    /// Identity; its namespace is where it holds.
    pub metadata: Metadata,
    /// The role.
    pub role_ref: RoleReference,
    /// Who gets it.
    #[serde(deserialize_with = "super::null_is_empty")]
    pub subjects: Vec<Subject>,
}

/// The role of a binding.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoleReference {
    /// `Role` or `ClusterRole`.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// Who gets a role.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Subject {
    /// `ServiceAccount`, `User` or `Group`.
    pub kind: String,
    /// Name.
    pub name: String,
    /// Namespace of a service account.
    pub namespace: String,
}

impl Subject {
    /// Whether an account of a namespace is meant, by its name, as a user or as a member of a group.
    pub fn is_of(&self, namespace: &str) -> bool {
        match self.kind.as_str() {
            "ServiceAccount" => self.namespace == namespace,
            "User" => self
                .name
                .strip_prefix("system:serviceaccount:")
                .and_then(|rest| rest.split_once(':'))
                .is_some_and(|(named, _)| named == namespace),
            "Group" => self.holds_every_account_of(namespace),
            _ => false,
        }
    }

    /// Whether one account of a namespace is meant.
    pub fn is(&self, namespace: &str, account: &str) -> bool {
        match self.kind.as_str() {
            "ServiceAccount" => self.namespace == namespace && self.name == account,
            "User" => self.name == format!("system:serviceaccount:{namespace}:{account}"),
            "Group" => self.holds_every_account_of(namespace),
            _ => false,
        }
    }

    /// The groups that a service account is in, and `system:unauthenticated`, which gives to it what it gives to anybody.
    fn holds_every_account_of(&self, namespace: &str) -> bool {
        matches!(
            self.name.as_str(),
            "system:serviceaccounts" | "system:authenticated" | "system:unauthenticated"
        ) || self.name.strip_prefix("system:serviceaccounts:") == Some(namespace)
    }
}
