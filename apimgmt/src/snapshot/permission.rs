//! What reading takes in permissions: the rules of a `ClusterRole` and of a `Role`, from the sources themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::{Scope, Source, collect::closure};

/// Where a permission counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Over the whole cluster.
    Cluster,
    /// In the release's namespace.
    Namespace,
    /// In the namespace that probes from outside stand in.
    Outside,
}

/// Verbs by group and resource.
type Verbs = BTreeMap<(&'static str, &'static str), BTreeSet<&'static str>>;

/// What is permitted, by where it counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    verbs: BTreeMap<Place, Verbs>,
    paths: BTreeSet<&'static str>,
}

/// One rule as RBAC words it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// API group, empty for the core group.
    pub group: &'static str,
    /// Resources, each with its subresource.
    pub resources: Vec<&'static str>,
    /// Names that it is limited to; all when there are none.
    pub names: Vec<&'static str>,
    /// Paths that are no resources.
    pub paths: Vec<&'static str>,
    /// Verbs.
    pub verbs: Vec<&'static str>,
}

impl Permissions {
    /// What reading these sources, and what they require, takes; `watch` adds what hearing of their changes does.
    pub fn of(sources: &BTreeSet<Source>, watch: bool) -> Self {
        let mut permissions = Self::default();
        // Every report names the cluster: its version, and the uid of its first namespace.
        permissions.paths.insert("/version");
        for source in closure(sources) {
            let access = source.access();
            if access.resource.starts_with('/') {
                permissions.paths.insert(access.resource);
                continue;
            }
            if access.resource.is_empty() {
                continue;
            }
            let place = match access.scope {
                Scope::Cluster | Scope::AllNamespaces => Place::Cluster,
                // A review is no object of a namespace, whatever it asks about.
                Scope::Session if access.group == "authorization.k8s.io" => Place::Cluster,
                // The API server authorizes the `get` of a namespace inside that namespace, so a Role grants it.
                Scope::Namespace | Scope::OwnNamespace | Scope::Named | Scope::Session => Place::Namespace,
            };
            permissions.grant(place, access.group, access.resource, &[access.verb]);
            permissions.grant(place, access.group, access.resource, further(source));
            if watch && access.verb == "list" {
                permissions.grant(place, access.group, access.resource, &["watch"]);
            }
        }
        permissions
    }

    /// Adds verbs on a resource.
    pub fn grant(&mut self, place: Place, group: &'static str, resource: &'static str, verbs: &[&'static str]) {
        let known = self
            .verbs
            .entry(place)
            .or_default()
            .entry((group, resource))
            .or_default();
        known.extend(verbs);
    }

    /// The rules for a place: one for all resources of a group that need the same.
    pub fn rules(&self, place: Place) -> Vec<Rule> {
        let mut together: BTreeMap<(&str, &BTreeSet<&str>), Vec<&str>> = BTreeMap::new();
        for ((group, resource), verbs) in self.verbs.get(&place).into_iter().flatten() {
            together.entry((group, verbs)).or_default().push(resource);
        }
        let resources = together.into_iter().map(|((group, verbs), resources)| Rule {
            group,
            resources,
            verbs: verbs.iter().copied().collect(),
            ..Rule::default()
        });
        let beside = if place == Place::Cluster {
            self.beside()
        } else {
            Vec::new()
        };
        resources.chain(beside).collect()
    }

    /// What is no list of a kind.
    fn beside(&self) -> Vec<Rule> {
        let first_namespace = Rule {
            resources: vec!["namespaces"],
            names: vec!["kube-system"],
            verbs: vec!["get"],
            ..Rule::default()
        };
        let paths = Rule {
            paths: self.paths.iter().copied().collect(),
            verbs: vec!["get"],
            ..Rule::default()
        };
        vec![first_namespace, paths]
    }
}

/// Verbs beside the one that is named when a source cannot be read.
fn further(source: Source) -> &'static [&'static str] {
    match source {
        // Helm's records are listed as metadata, and the newest is opened.
        Source::Releases => &["get"],
        // A forwarded port is a WebSocket: servers before 1.35 ask for `get`, later ones for `create` as well.
        _ if source.access().resource == "pods/portforward" => &["get"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rules: &[Rule]) -> Vec<String> {
        let told = rules.iter().map(|rule| {
            let what = [rule.resources.join(","), rule.paths.join(",")].concat();
            let group = if rule.group.is_empty() { "core" } else { rule.group };
            format!("{group} {what} {} {}", rule.verbs.join(","), rule.names.join(","))
        });
        told.map(|line| line.trim().to_owned()).collect()
    }

    #[test]
    fn a_source_takes_its_own_verbs_and_those_of_what_it_requires() {
        let permissions = Permissions::of(
            &BTreeSet::from([Source::Hosts, Source::Nodes, Source::Readiness]),
            false,
        );
        assert_eq!(
            told(&permissions.rules(Place::Cluster)),
            [
                "core nodes list",
                "core namespaces get kube-system",
                "core /readyz,/version get"
            ]
        );
        assert_eq!(
            told(&permissions.rules(Place::Namespace)),
            ["core configmaps list", "networking.k8s.io ingresses list"]
        );
        let permissions = Permissions::of(&BTreeSet::from([Source::Releases, Source::Health]), true);
        let namespace = told(&permissions.rules(Place::Namespace));
        assert!(
            namespace.contains(&"core secrets get,list,watch".into()),
            "{namespace:?}"
        );
        assert!(
            namespace.contains(&"core pods/portforward create,get".into()),
            "{namespace:?}"
        );
        assert!(
            !namespace.iter().any(|rule| rule.contains('*')),
            "no rule reaches further than what is read: {namespace:?}"
        );
    }

    #[test]
    fn reviews_of_access_are_asked_of_the_whole_cluster() {
        let permissions = Permissions::of(&[Source::AccessReviews].into(), false);
        let reviews = "authorization.k8s.io subjectaccessreviews create";
        assert!(told(&permissions.rules(Place::Cluster)).contains(&reviews.to_owned()));
        assert!(!told(&permissions.rules(Place::Namespace)).contains(&reviews.to_owned()));
    }
}
