//! What the bindings give to an account, rule by rule, and what of that nobody declared it to need.

use crate::{
    checklist::clauses::Clauses,
    snapshot::{
        Snapshot,
        rbac::{Binding, Role, Rule, Subject},
    },
    values::Permission,
};

/// Roles that every cluster gives to groups, and that tell no more than which APIs there are.
///
/// Source: <https://kubernetes.io/docs/reference/access-authn-authz/rbac/#discovery-roles>, and the role by which the keys
/// of service accounts are published.
const DISCOVERY: [&str; 4] = [
    "system:basic-user",
    "system:discovery",
    "system:public-info-viewer",
    "system:service-account-issuer-discovery",
];

/// Every binding and role that touches the release's accounts.
pub(super) struct Grants<'a> {
    bindings: Vec<(&'static str, &'a Binding)>,
    roles: &'a [Role],
    cluster_roles: &'a [Role],
    namespace: &'a str,
}

/// One binding of one account.
pub(super) struct Grant<'a> {
    /// `rolebinding/NAME` or `clusterrolebinding/NAME`.
    pub(super) binding: String,
    /// Where it holds; empty for the whole cluster.
    pub(super) scope: &'a str,
    /// `role/NAME` or `clusterrole/NAME`.
    pub(super) role: String,
    /// Its rules; `None` when the role does not exist.
    pub(super) rules: Option<&'a [Rule]>,
}

impl<'a> Grants<'a> {
    /// Gathers them; `None` when some could not be read.
    pub(super) fn of(row: &mut Clauses<'_>, snapshot: &'a Snapshot) -> Option<Self> {
        let inside = row.read(snapshot.role_bindings());
        let everywhere = row.read(snapshot.cluster_role_bindings());
        let roles = row.read(snapshot.roles());
        let cluster_roles = row.read(snapshot.cluster_roles());
        let inside = inside?.iter().map(|binding| ("rolebinding", binding));
        let everywhere = everywhere?.iter().map(|binding| ("clusterrolebinding", binding));
        Some(Self {
            bindings: inside.chain(everywhere).collect(),
            roles: roles?,
            cluster_roles: cluster_roles?,
            namespace: &snapshot.namespace,
        })
    }

    /// What an account gets, without what every cluster tells everybody.
    pub(super) fn to(&self, account: &str) -> Vec<Grant<'a>> {
        self.bindings
            .iter()
            .filter_map(|(kind, binding)| {
                let is_meant = |subject: &&Subject| subject.is(self.namespace, account);
                let subject = binding.subjects.iter().find(is_meant)?;
                let role = &binding.role_ref;
                let is_cluster_role = role.kind == "ClusterRole";
                if subject.kind == "Group" && is_cluster_role && DISCOVERY.contains(&role.name.as_str()) {
                    return None;
                }
                let scope = if *kind == "rolebinding" {
                    binding.metadata.namespace.as_str()
                } else {
                    ""
                };
                let found = if is_cluster_role {
                    self.cluster_roles.iter().find(|one| one.metadata.name == role.name)
                } else {
                    self.roles
                        .iter()
                        .find(|one| one.metadata.name == role.name && one.metadata.namespace == scope)
                };
                Some(Grant {
                    binding: format!("{kind}/{}", binding.metadata.name),
                    scope,
                    role: format!("{}/{}", role.kind.to_lowercase(), role.name),
                    rules: found.map(|role| role.rules.as_slice()),
                })
            })
            .collect()
    }
}

impl Grant<'_> {
    /// Where it holds, in words.
    pub(super) fn place(&self) -> String {
        if self.scope.is_empty() {
            "in every namespace".into()
        } else {
            format!("in {}", self.scope)
        }
    }

    /// What a rule permits beyond the declared needs, worded as `VERB RESOURCE`.
    pub(super) fn excess(&self, rule: &Rule, needs: &[Permission], own: &str) -> Vec<String> {
        let covers = |need: &Permission, group: &str, resource: &str, verb: &str| {
            let reaches = match need.namespace.as_deref() {
                Some("*") => true,
                Some(other) => other == self.scope,
                None => own == self.scope,
            };
            let names = need.resource_names.is_empty()
                || (!rule.resource_names.is_empty()
                    && rule
                        .resource_names
                        .iter()
                        .all(|name| need.resource_names.contains(name)));
            let is = |list: &[String], value: &str| list.iter().any(|one| one == value);
            let in_group = is(&need.api_groups, group) || (need.api_groups.is_empty() && group.is_empty());
            reaches && names && in_group && is(&need.resources, resource) && is(&need.verbs, verb)
        };
        let mut excess = Vec::new();
        for verb in &rule.verbs {
            for resource in &rule.resources {
                for group in &rule.api_groups {
                    if !needs.iter().any(|need| covers(need, group, resource, verb)) {
                        let dot = if group.is_empty() { "" } else { "." };
                        excess.push(format!("{verb} {resource}{dot}{group}"));
                    }
                }
            }
            excess.extend(rule.non_resource_urls.iter().map(|path| format!("{verb} {path}")));
        }
        excess
    }
}

/// Whether a rule permits what nobody has listed: every verb, every resource, every group or every path.
pub(super) fn is_wildcard(rule: &Rule) -> bool {
    let lists = [&rule.verbs, &rule.resources, &rule.api_groups, &rule.non_resource_urls];
    lists.into_iter().flatten().any(|text| text == "*" || text == "*/*")
}
