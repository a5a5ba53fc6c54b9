//! What reading takes in permissions: the rules of a `ClusterRole` and of a `Role`, from the sources themselves.

use std::collections::{BTreeMap, BTreeSet};

use super::{Scope, Source, collect::closure};

/// Rules by what they reach.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Over the whole cluster.
    pub cluster: Vec<Rule>,
    /// In the release's namespace.
    pub namespace: Vec<Rule>,
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

/// Verbs by group and resource.
type Verbs = BTreeMap<(&'static str, &'static str), BTreeSet<&'static str>>;

impl Permissions {
    /// What reading these sources, and what they require, takes; `watch` adds what hearing of their changes does.
    pub fn of(sources: &BTreeSet<Source>, watch: bool) -> Self {
        let (mut cluster, mut namespace, mut paths) = (Verbs::new(), Verbs::new(), BTreeSet::new());
        for source in closure(sources) {
            let access = source.access();
            if access.resource.starts_with('/') {
                paths.insert(access.resource);
                continue;
            }
            if access.resource.is_empty() {
                continue;
            }
            let reach = match access.scope {
                Scope::Cluster | Scope::AllNamespaces => &mut cluster,
                // A review is no object of a namespace, whatever it asks about.
                Scope::Session if access.group == "authorization.k8s.io" => &mut cluster,
                // The API server authorizes the `get` of a namespace inside that namespace, so a Role grants it.
                Scope::Namespace | Scope::OwnNamespace | Scope::Named | Scope::Session => &mut namespace,
            };
            let verbs = reach.entry((access.group, access.resource)).or_default();
            verbs.insert(access.verb);
            verbs.extend(further(source));
            if watch && access.verb == "list" {
                verbs.insert("watch");
            }
        }
        // Every report names the cluster: its version, and the uid of this namespace.
        paths.insert("/version");
        let mut cluster = rules(cluster);
        cluster.push(Rule {
            resources: vec!["namespaces"],
            names: vec!["kube-system"],
            verbs: vec!["get"],
            ..Rule::default()
        });
        cluster.push(Rule {
            paths: paths.into_iter().collect(),
            verbs: vec!["get"],
            ..Rule::default()
        });
        Self {
            cluster,
            namespace: rules(namespace),
        }
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

/// One rule for all resources of a group that need the same.
fn rules(verbs: Verbs) -> Vec<Rule> {
    let mut together: BTreeMap<(&'static str, BTreeSet<&'static str>), Vec<&'static str>> = BTreeMap::new();
    for ((group, resource), verbs) in verbs {
        together.entry((group, verbs)).or_default().push(resource);
    }
    together
        .into_iter()
        .map(|((group, verbs), resources)| Rule {
            group,
            resources,
            verbs: verbs.into_iter().collect(),
            ..Rule::default()
        })
        .collect()
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
            told(&permissions.cluster),
            [
                "core nodes list",
                "core namespaces get kube-system",
                "core /readyz,/version get"
            ]
        );
        assert_eq!(
            told(&permissions.namespace),
            ["core configmaps list", "networking.k8s.io ingresses list"]
        );
        let permissions = Permissions::of(&BTreeSet::from([Source::Releases, Source::Health]), true);
        let namespace = told(&permissions.namespace);
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
        assert!(told(&permissions.cluster).contains(&reviews.to_owned()));
        assert!(!told(&permissions.namespace).contains(&reviews.to_owned()));
    }
}
