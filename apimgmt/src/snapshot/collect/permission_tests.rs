//! The roles that are printed are the roles that are used: an API server that grants exactly them refuses nothing.

use std::collections::BTreeSet;

use serde_json::json;

use super::{
    Limits,
    mock::{Reply, collected, list, ok, status},
};
use crate::{
    checklist::{ALL, sources},
    snapshot::{
        Source, Why,
        permission::{Permissions, Place, Rule},
    },
};

/// What a path asks for, as the API server tells it to RBAC.
struct Asked {
    group: String,
    resource: String,
    name: String,
    namespaced: bool,
}

impl Asked {
    fn of(path: &str) -> Option<Self> {
        let path = path.split('?').next()?;
        let parts: Vec<&str> = path.split('/').skip(1).collect();
        let (group, rest) = match parts.as_slice() {
            ["api", "v1", rest @ ..] => ("", rest),
            ["apis", group, _version, rest @ ..] => (*group, rest),
            _ => return None,
        };
        let (namespaced, rest) = match rest {
            ["namespaces", "kube-system"] => (false, rest),
            ["namespaces", _] => (true, rest),
            ["namespaces", _, rest @ ..] => (true, rest),
            _ => (false, rest),
        };
        Some(Self {
            group: group.into(),
            resource: match rest {
                [resource, _, subresource] => format!("{resource}/{subresource}"),
                [resource, ..] => (*resource).into(),
                [] => return None,
            },
            name: rest.get(1).copied().unwrap_or_default().into(),
            namespaced,
        })
    }

    fn is_granted_by(&self, rules: &[Rule]) -> bool {
        let verb = if self.name.is_empty() { "list" } else { "get" };
        rules.iter().any(|rule| {
            rule.group == self.group
                && rule.resources.contains(&self.resource.as_str())
                && rule.verbs.contains(&verb)
                && (rule.names.is_empty() || rule.names.contains(&self.name.as_str()))
        })
    }
}

/// A namespace with something of what makes one read lead to the next.
fn answer(path: &str) -> Reply {
    let pod = json!({"metadata": {"name": "app", "namespace": "shop"},
        "spec": {"containers": [{"name": "c", "envFrom": [{"secretRef": {"name": "s"}}, {"configMapRef": {"name": "m"}}]}]},
        "status": {"containerStatuses": [{"name": "c", "restartCount": 1, "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}});
    let record = json!({"metadata": {"name": "sh.helm.release.v1.app.v1", "labels": {"owner": "helm", "name": "app", "version": "1", "status": "deployed"}}});
    match path
        .split('?')
        .next()
        .unwrap_or_default()
        .trim_start_matches("/api/v1/")
    {
        "/version" => ok(json!({"gitVersion": "v1.35.4"})),
        "/readyz" => Reply::Text(200, "[+]ping ok\nreadyz check passed\n".into()),
        "namespaces/shop/pods" | "pods" => list([pod], ""),
        "namespaces/shop/secrets" => list([record], ""),
        "namespaces/shop" | "namespaces/kube-system" => ok(json!({"metadata": {"name": "shop", "uid": "u"}})),
        path if path.ends_with("/log") => Reply::Text(200, "a line\n".into()),
        path if Asked::of(&format!("/api/v1/{path}")).is_some_and(|asked| !asked.name.is_empty()) => {
            status(404, "not found")
        }
        _ => list([], ""),
    }
}

fn rules(permissions: &Permissions) -> [Vec<Rule>; 2] {
    [Place::Cluster, Place::Namespace].map(|place| permissions.rules(place))
}

async fn refused(wanted: &BTreeSet<Source>, [cluster, namespace]: [Vec<Rule>; 2]) -> BTreeSet<String> {
    let paths: Vec<&str> = cluster.iter().flat_map(|rule| rule.paths.clone()).collect();
    let sources: Vec<Source> = wanted.iter().copied().collect();
    let (snapshot, asked) = collected(&sources, Limits::default(), move |path, _| {
        let granted = match Asked::of(path) {
            Some(asked) => asked.is_granted_by(&cluster) || asked.namespaced && asked.is_granted_by(&namespace),
            None => paths.contains(&path.split('?').next().unwrap_or_default()),
        };
        if granted {
            answer(path)
        } else {
            status(403, "forbidden")
        }
    })
    .await;
    let snapshot = snapshot.unwrap();
    assert!(asked.len() > 2, "something was read: {asked:?}");
    let forbidden = Source::ALL.iter().filter_map(|source| {
        let unreadable = snapshot.readings.unreadable(*source)?;
        (unreadable.why == Why::Forbidden).then(|| format!("{} {}", unreadable.verb, unreadable.resource))
    });
    forbidden.collect()
}

/// Seen to fail without `get` on secrets, which opening Helm's record takes.
#[tokio::test]
async fn with_exactly_the_printed_roles_nothing_is_refused() {
    for item in ALL {
        let wanted = sources(&[item]);
        let refused = refused(&wanted, rules(&Permissions::of(&wanted, false))).await;
        assert!(refused.is_empty(), "{}: {refused:?}", item.id);
    }
    let all = Source::ALL.iter().copied().collect();
    let refused = refused(&all, rules(&Permissions::of(&all, false))).await;
    assert!(refused.is_empty(), "{refused:?}");
}

#[tokio::test]
async fn without_one_rule_just_what_it_grants_is_refused() {
    let all: BTreeSet<Source> = [Source::Services, Source::Ingresses, Source::Nodes, Source::Namespace].into();
    for (resource, expected) in [
        ("services", "list services"),
        ("ingresses", "list ingresses.networking.k8s.io"),
        ("nodes", "list nodes"),
    ] {
        let mut less = rules(&Permissions::of(&all, false));
        for rule in less.iter_mut().flatten() {
            rule.resources.retain(|granted| *granted != resource);
        }
        assert_eq!(
            refused(&all, less).await,
            BTreeSet::from([expected.to_owned()]),
            "{resource}"
        );
    }
}
