//! How a workload that plays a role stands: whether any of its pods can serve, and who is behind its service.

use super::{
    clauses::{Clauses, counted},
    roles::Role,
};
use crate::snapshot::{Labels, Snapshot, Source};

/// A workload's own numbers and annotations.
pub(super) struct Standing<'a> {
    /// Pods it should have.
    pub(super) wanted: i64,
    /// Pods that are ready.
    pub(super) ready: i64,
    /// Annotations of the workload.
    pub(super) annotations: &'a Labels,
    /// The source that tells.
    pub(super) source: Source,
}

/// The numbers of `kind/name`; `None` when it could not be read or does not exist.
pub(super) fn standing<'a>(row: &mut Clauses<'_>, snapshot: &'a Snapshot, workload: &str) -> Option<Standing<'a>> {
    let (kind, name) = workload.split_once('/')?;
    let found = if kind == "deployment" {
        row.read(snapshot.deployments())?
            .iter()
            .find(|deployment| deployment.metadata.name == name)
            .map(|found| {
                let wanted = found.spec.replicas;
                (&found.metadata, wanted, &found.status, Source::Deployments)
            })
    } else {
        row.read(snapshot.stateful_sets())?
            .iter()
            .find(|stateful_set| stateful_set.metadata.name == name)
            .map(|found| {
                let wanted = found.spec.replicas;
                (&found.metadata, wanted, &found.status, Source::StatefulSets)
            })
    };
    let Some((metadata, wanted, status, source)) = found else {
        row.unseen(format!("{workload} was not found"));
        return None;
    };
    Some(Standing {
        wanted: wanted.unwrap_or(1),
        ready: status.ready_replicas,
        annotations: &metadata.annotations,
        source,
    })
}

/// A workload without a ready pod serves nobody: that is certain, whatever a session or an older probe says.
pub(super) fn serves(row: &mut Clauses<'_>, snapshot: &Snapshot, role: &Role) {
    let workload = &role.workload;
    let Some(Standing {
        wanted, ready, source, ..
    }) = standing(row, snapshot, workload)
    else {
        return;
    };
    let plural = if wanted == 1 { "" } else { "s" };
    row.moving(
        source,
        workload,
        "status.readyReplicas",
        format!("{ready} of {wanted} pod{plural} ready"),
    );
    if wanted == 0 {
        row.breach(format!("{workload} is scaled to 0"));
    } else if ready == 0 {
        row.breach(format!("{workload} has 0 of {} ready", counted_pods(wanted)));
    }
}

fn counted_pods(count: i64) -> String {
    counted(usize::try_from(count).unwrap_or_default(), "pod")
}

/// The pod of a session must be what the write service leads to, and nothing else may be: a write that goes to
/// another server is lost or refused.
pub(super) fn leads_to(row: &mut Clauses<'_>, snapshot: &Snapshot, role: &Role, pod: &str) {
    let Some(service) = &role.service else {
        row.unseen(format!("no service leads to {}", role.workload));
        return;
    };
    let Some(slices) = row.read(snapshot.endpoint_slices()) else {
        return;
    };
    let mut ready: Vec<String> = slices
        .iter()
        .filter(|slice| slice.metadata.label("kubernetes.io/service-name") == Some(service))
        .flat_map(|slice| &slice.endpoints)
        .filter(|endpoint| endpoint.conditions.ready.unwrap_or(true))
        .map(|endpoint| match &endpoint.target_ref {
            Some(target) if target.kind == "Pod" => format!("pod/{}", target.name),
            _ => endpoint.addresses.join(","),
        })
        .collect();
    ready.sort();
    ready.dedup();
    row.moving(
        Source::EndpointSlices,
        format!("service/{service}"),
        "ready endpoints",
        ready.join(", "),
    );
    match ready.as_slice() {
        [] => row.breach(format!("service/{service} has no ready endpoint")),
        [only] if only == pod => {}
        [only] => row.unseen(format!("service/{service} leads to {only}, and {pod} was asked")),
        several => row.unseen(format!(
            "service/{service} leads to {} pods, and only {pod} was asked",
            several.len()
        )),
    }
}
