//! Permissions as manifests that `kubectl apply` takes.

use std::str::FromStr;

use serde_json::{Map, Value, json};

use crate::snapshot::permission::{Permissions, Place, Rule};

/// The name of the roles.
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

/// A `ClusterRole` and a `Role`, and one more where probes stand `outside`, with their bindings when there is somebody to
/// bind them to. What is not in the release's namespace carries it in its name, so that two releases do not share one.
pub fn manifest(permissions: &Permissions, namespace: &str, outside: &str, to: Option<&Subject>) -> String {
    let elsewhere = format!("{NAME}-{namespace}");
    let mut roles = vec![
        Role::new(permissions, Place::Cluster, &elsewhere, None),
        Role::new(permissions, Place::Namespace, NAME, Some(namespace)),
        Role::new(permissions, Place::Outside, &elsewhere, Some(outside)),
    ];
    roles.retain(|role| !role.rules.is_empty());
    let bindings = to.map(|subject| roles.iter().map(|role| role.binding(subject)).collect::<Vec<_>>());
    let objects = roles.iter().map(Role::manifest).chain(bindings.into_iter().flatten());
    let documents: Vec<String> = objects.map(|object| super::yaml(&object)).collect();
    documents.join("---\n")
}

/// A role: of the cluster when it is of no namespace.
struct Role<'a> {
    name: &'a str,
    namespace: Option<&'a str>,
    rules: Vec<Rule>,
}

impl<'a> Role<'a> {
    fn new(permissions: &Permissions, place: Place, name: &'a str, namespace: Option<&'a str>) -> Self {
        Self {
            name,
            namespace,
            rules: permissions.rules(place),
        }
    }

    fn kind(&self) -> &'static str {
        if self.namespace.is_some() {
            "Role"
        } else {
            "ClusterRole"
        }
    }

    fn metadata(&self) -> Value {
        match self.namespace {
            Some(namespace) => json!({ "name": self.name, "namespace": namespace }),
            None => json!({ "name": self.name }),
        }
    }

    fn manifest(&self) -> Value {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": self.kind(),
            "metadata": self.metadata(),
            "rules": self.rules.iter().map(rule).collect::<Vec<_>>(),
        })
    }

    fn binding(&self, subject: &Subject) -> Value {
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": format!("{}Binding", self.kind()),
            "metadata": self.metadata(),
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": self.kind(), "name": self.name },
            "subjects": [subject.manifest()],
        })
    }
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
