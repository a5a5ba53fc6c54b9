//! Who plays application, database and cache, by the document's labels; `snapshot::roles` takes its place.

use crate::snapshot::{LabelSelector, Labels, Snapshot, Unreadable};

/// A workload that plays a role.
pub(super) struct Role {
    /// `deployment/NAME` or `statefulset/NAME`.
    pub(super) workload: String,
    /// Its pods.
    pub(super) selector: LabelSelector,
    /// The service in front of its pods.
    pub(super) service: Option<String>,
}

/// The roles that are played.
pub(super) struct Roles {
    pub(super) application: Option<Role>,
    pub(super) database: Option<Role>,
    pub(super) cache: Option<Role>,
}

impl Roles {
    pub(super) fn of(snapshot: &Snapshot) -> Result<Self, Unreadable> {
        let deployments = snapshot.deployments()?;
        let stateful_sets = snapshot.stateful_sets()?;
        let services = snapshot.services()?;
        let find = |app: &str| {
            let plays = |labels: &Labels| labels.get("app").is_some_and(|value| value == app);
            let deployment = deployments
                .iter()
                .find(|deployment| plays(&deployment.spec.template.metadata.labels))
                .map(|found| ("deployment", &found.metadata.name, &found.spec.selector, &found.spec.template));
            let stateful_set = stateful_sets
                .iter()
                .find(|stateful_set| plays(&stateful_set.spec.template.metadata.labels))
                .map(|found| ("statefulset", &found.metadata.name, &found.spec.selector, &found.spec.template));
            deployment.or(stateful_set).map(|(kind, name, selector, template)| Role {
                workload: format!("{kind}/{name}"),
                selector: selector.clone(),
                service: services
                    .iter()
                    .find(|service| {
                        let selector = &service.spec.selector;
                        !selector.is_empty()
                            && selector
                                .iter()
                                .all(|(key, value)| template.metadata.labels.get(key) == Some(value))
                    })
                    .map(|service| service.metadata.name.clone()),
            })
        };
        Ok(Self {
            application: find("api-management"),
            database: find("postgres"),
            cache: find("redis"),
        })
    }
}
