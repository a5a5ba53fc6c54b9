//! How many connections a database has for an application, and how many pods may ask for them.

use super::clauses::Clauses;
use crate::snapshot::{Snapshot, Source, roles::Role, sessions::Postgresql, workloads::HorizontalPodAutoscaler};

/// Room for connections.
pub(super) struct Room {
    /// Connections that a role without privileges may have:
    /// `max_connections − superuser_reserved_connections − reserved_connections`
    /// (<https://www.postgresql.org/docs/current/runtime-config-connection.html>).
    pub(super) available: i64,
}

impl Room {
    /// What the server's parameters leave; when they were not told, the clause is unseen.
    pub(super) fn of(row: &mut Clauses<'_>, server: &Postgresql) -> Option<Self> {
        let object = &server.object;
        let number = |name: &str| -> Option<i64> { server.settings.get(name)?.value.parse().ok() };
        let (Some(most), Some(superuser)) = (number("max_connections"), number("superuser_reserved_connections"))
        else {
            row.unseen(format!("{object} did not tell `max_connections` and what it reserves"));
            return None;
        };
        // Before PostgreSQL 16 there is none.
        let reserved = number("reserved_connections").unwrap_or_default();
        let available = most - superuser - reserved;
        row.stable(
            Source::Postgresql,
            object,
            "max_connections - reserved",
            format!("{most} - {superuser} - {reserved} = {available}"),
        );
        Some(Self { available })
    }
}

/// Pods of an application, surge included.
pub(super) struct PodCounts {
    /// At the number of replicas that is wanted now.
    pub(super) now: i64,
    /// At the autoscaler's maximum.
    pub(super) most: i64,
}

/// How many pods an application may have at the same time.
pub(super) fn pods(row: &mut Clauses<'_>, snapshot: &Snapshot, application: &Role) -> Option<PodCounts> {
    let deployments = row.read(snapshot.deployments())?;
    let autoscalers = row.read(snapshot.horizontal_pod_autoscalers())?;
    let deployment = deployments
        .iter()
        .find(|deployment| application.workload == format!("deployment/{}", deployment.metadata.name));
    let surge = |replicas: i64| deployment.map_or(0, |deployment| deployment.spec.strategy.surge(replicas));
    let most = autoscaler_of(autoscalers, application).map_or(application.replicas, |autoscaler| {
        autoscaler.spec.max_replicas.max(application.replicas)
    });
    Some(PodCounts {
        now: application.replicas + surge(application.replicas),
        most: most + surge(most),
    })
}

/// The autoscaler of a workload.
pub(super) fn autoscaler_of<'a>(
    autoscalers: &'a [HorizontalPodAutoscaler],
    workload: &Role,
) -> Option<&'a HorizontalPodAutoscaler> {
    autoscalers
        .iter()
        .find(|autoscaler| autoscaler.scales(&workload.workload))
}
