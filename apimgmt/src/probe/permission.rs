//! What probing takes in permissions, beside reading what the items read.

use std::collections::BTreeSet;

use super::Probe;
use crate::snapshot::permission::{Permissions, Place};

/// An access: where, group, resource, verbs.
type Access = (Place, &'static str, &'static str, &'static [&'static str]);

/// Reading how the application's pod is made, and which image probes run from.
const PLANNING: [Access; 4] = [
    (Place::Namespace, "", "configmaps", &["list"]),
    (Place::Namespace, "", "pods", &["get"]),
    (Place::Namespace, "apps", "deployments", &["get"]),
    (Place::Namespace, "apps", "statefulsets", &["get"]),
];

/// Storing results as evidence, by server-side apply.
const STORING: Access = (Place::Namespace, "", "configmaps", &["create", "patch"]);

/// A pod of its own, looked at until it ends, and taken away.
const POD: &[&str] = &["create", "delete", "get", "watch"];

impl Probe {
    fn accesses(self) -> &'static [Access] {
        match self {
            Self::Application | Self::Alerts | Self::Logs | Self::Traces => &[(Place::Namespace, "", "pods", POD)],
            Self::Edges => &[
                (Place::Namespace, "", "pods", POD),
                // One of its pods stands outside.
                (Place::Outside, "", "pods", POD),
            ],
            Self::Storage => &[
                (Place::Namespace, "", "pods", POD),
                (Place::Namespace, "", "persistentvolumeclaims", &["create", "delete"]),
            ],
            Self::Visitor => &[
                (Place::Namespace, "", "pods", POD),
                (
                    Place::Cluster,
                    "authorization.k8s.io",
                    "subjectaccessreviews",
                    &["create"],
                ),
            ],
        }
    }
}

/// The load's Job and its pods, and a look at the autoscaler meanwhile.
const LOAD: [Access; 3] = [
    (Place::Namespace, "batch", "jobs", &["create", "delete"]),
    (Place::Namespace, "", "pods", &["deletecollection", "list", "watch"]),
    (Place::Namespace, "autoscaling", "horizontalpodautoscalers", &["get"]),
];

/// Adds what running these probes, and the load probe, takes, with what must be read to plan them.
pub fn permit(probes: &BTreeSet<Probe>, load: bool, permissions: &mut Permissions) {
    let probing = probes.iter().flat_map(|probe| probe.accesses());
    let loading = LOAD.iter().filter(|_| load);
    let own: Vec<_> = probing.chain(loading).collect();
    if own.is_empty() {
        return;
    }
    for (place, group, resource, verbs) in own.into_iter().chain(&PLANNING).chain([&STORING]) {
        permissions.grant(*place, group, resource, verbs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_probes_is_permitted_to_write() {
        let mut permissions = Permissions::default();
        permit(&BTreeSet::new(), false, &mut permissions);
        assert_eq!(permissions, Permissions::default());
        permit(&BTreeSet::from([Probe::Edges]), false, &mut permissions);
        let outside = permissions.rules(Place::Outside);
        assert_eq!(outside.len(), 1);
        assert_eq!(
            (outside[0].resources.as_slice(), outside[0].verbs.as_slice()),
            (&["pods"][..], POD)
        );
        let mut loading = Permissions::default();
        permit(&BTreeSet::new(), true, &mut loading);
        assert!(loading.rules(Place::Outside).is_empty());
        let namespace = loading.rules(Place::Namespace);
        assert!(namespace.iter().any(|rule| rule.resources == ["jobs"]), "{namespace:?}");
    }
}
