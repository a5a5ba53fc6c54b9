//! Who got which role: of a whole cluster's bindings only those that touch the release's accounts are kept.

use std::collections::BTreeSet;

use super::{Run, list::Listing};
use crate::{
    Error,
    snapshot::{Reading, Readings, Source, Text, rbac::Binding},
};

impl Run {
    /// The readings of [`Source::RoleBindings`] and [`Source::ClusterRoleBindings`].
    pub(super) async fn bindings(&self) -> Result<(Reading<Vec<Binding>>, Reading<Vec<Binding>>), Error> {
        let ours = |source: Source| async move {
            let keep = |mut binding: Binding| {
                binding.subjects.retain(|subject| subject.is_of(self.namespace()));
                (!binding.subjects.is_empty()).then_some(binding)
            };
            self.api.list(&Listing::of(source, self.namespace()), keep).await
        };
        futures::try_join!(
            self.source(Source::RoleBindings, ours(Source::RoleBindings)),
            self.source(Source::ClusterRoleBindings, ours(Source::ClusterRoleBindings)),
        )
    }
}

/// Leaves out the roles that no binding names. While some bindings are not known, every role may be one of theirs.
pub(super) fn keep_what_is_bound(readings: &mut Readings) {
    let (Reading::Read(inside), Reading::Read(everywhere)) = (&readings.role_bindings, &readings.cluster_role_bindings)
    else {
        return;
    };
    let named = |kind: &str, binding: &Binding| (binding.role_ref.kind == kind).then(|| binding.role_ref.name.clone());
    let roles: BTreeSet<(Text, String)> = inside
        .iter()
        .filter_map(|binding| Some((binding.metadata.namespace.clone(), named("Role", binding)?)))
        .collect();
    let cluster_roles: BTreeSet<String> = inside
        .iter()
        .chain(everywhere)
        .filter_map(|binding| named("ClusterRole", binding))
        .collect();
    if let Reading::Read(list) = &mut readings.roles {
        list.retain(|role| roles.contains(&(role.metadata.namespace.clone(), role.metadata.name.clone())));
    }
    if let Reading::Read(list) = &mut readings.cluster_roles {
        list.retain(|role| cluster_roles.contains(&role.metadata.name));
    }
}
