//! Permissions as manifests that `kubectl apply` takes.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::snapshot::permission::{Permissions, Rule};

/// The name of both roles.
const NAME: &str = "apimgmt-verify";

/// Whom roles are bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// A user.
    User(String),
    /// A group.
    Group(String),
    /// A service account: namespace and name.
    ServiceAccount(String, String),
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || format!("`{text}` is neither `user:NAME`, `group:NAME` nor `serviceaccount:NAMESPACE:NAME`");
        let (kind, name) = text
            .split_once(':')
            .filter(|(_, name)| !name.is_empty())
            .ok_or_else(refused)?;
        match (kind.to_ascii_lowercase().as_str(), name.split_once(':')) {
            ("user", _) => Ok(Self::User(name.into())),
            ("group", _) => Ok(Self::Group(name.into())),
            ("serviceaccount", Some((namespace, name))) if !namespace.is_empty() && !name.is_empty() => {
                Ok(Self::ServiceAccount(namespace.into(), name.into()))
            }
            _ => Err(refused()),
        }
    }
}

impl Subject {
    fn manifest(&self) -> Value {
        match self {
            Self::User(name) => json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": name}),
            Self::Group(name) => json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": name}),
            Self::ServiceAccount(namespace, name) => {
                json!({"kind": "ServiceAccount", "namespace": namespace, "name": name})
            }
        }
    }
}

/// A ClusterRole and a Role, and their bindings when there is somebody to bind them to. The ClusterRole carries the
/// namespace in its name, so that two releases do not share one.
pub fn manifest(permissions: &Permissions, namespace: &str, to: Option<&Subject>) -> String {
    let cluster_name = format!("{NAME}-{namespace}");
    let mut objects = vec![
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": { "name": cluster_name },
            "rules": permissions.cluster.iter().map(rule).collect::<Vec<_>>(),
        }),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": { "name": NAME, "namespace": namespace },
            "rules": permissions.namespace.iter().map(rule).collect::<Vec<_>>(),
        }),
    ];
    if let Some(subject) = to {
        let reference =
            |kind: &str, name: &str| json!({"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": name});
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": { "name": cluster_name },
            "roleRef": reference("ClusterRole", &cluster_name),
            "subjects": [subject.manifest()],
        }));
        objects.push(json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": { "name": NAME, "namespace": namespace },
            "roleRef": reference("Role", NAME),
            "subjects": [subject.manifest()],
        }));
    }
    let documents: Vec<String> = objects.iter().map(super::yaml).collect();
    documents.join("---\n")
}

fn rule(rule: &Rule) -> Value {
    let mut fields = Map::new();
    if !rule.resources.is_empty() {
        fields.insert("apiGroups".into(), json!([rule.group]));
        fields.insert("resources".into(), json!(rule.resources));
    }
    if !rule.names.is_empty() {
        fields.insert("resourceNames".into(), json!(rule.names));
    }
    if !rule.paths.is_empty() {
        fields.insert("nonResourceURLs".into(), json!(rule.paths));
    }
    fields.insert("verbs".into(), json!(rule.verbs));
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use super::Subject;

    #[test]
    fn subjects_are_read_as_rbac_knows_them() {
        let read = |text: &str| text.parse::<Subject>();
        assert_eq!(read("user:ann"), Ok(Subject::User("ann".into())));
        assert_eq!(read("Group:ops"), Ok(Subject::Group("ops".into())));
        assert_eq!(
            read("serviceaccount:shop:auditor"),
            Ok(Subject::ServiceAccount("shop".into(), "auditor".into()))
        );
        assert_eq!(
            read("user:system:serviceaccount:shop:auditor"),
            Ok(Subject::User("system:serviceaccount:shop:auditor".into()))
        );
        for wrong in ["ann", "user:", "serviceaccount:auditor", "robot:x", ""] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
