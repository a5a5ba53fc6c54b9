//! How a workload that plays a role stands: whether any of its pods can serve, and who is behind its service.

use super::clauses::{Clauses, counted};
use crate::snapshot::{
    Snapshot, Source,
    roles::{Role, Roles},
};

/// The roles; when they could not be found out, the clauses that need them are unseen.
pub(super) fn roles(row: &mut Clauses<'_>, snapshot: &Snapshot) -> Roles {
    row.read(Roles::of(snapshot)).unwrap_or_default()
}

/// A workload without a ready pod serves nobody: that is certain, whatever a session or an older probe says.
pub(super) fn serves(row: &mut Clauses<'_>, snapshot: &Snapshot, role: &Role) {
    let workload = &role.workload;
    if role.missing {
        row.breach(format!(
            "{workload} is declared in `checklist.roles` and does not exist"
        ));
        return;
    }
    let Some(pods) = row.read(snapshot.pods()) else {
        return;
    };
    let ready = role.ready_pods(pods).count();
    let wanted = usize::try_from(role.replicas).unwrap_or_default();
    row.moving(
        Source::Pods,
        workload,
        "status.conditions[Ready]",
        format!("{ready} of {} ready", counted(wanted, "pod")),
    );
    if role.replicas == 0 {
        row.breach(format!("{workload} is scaled to 0"));
    } else if ready == 0 {
        row.breach(format!("{workload} has 0 of {} ready", counted(wanted, "pod")));
    }
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
    let names = ready.join(", ");
    row.moving(
        Source::EndpointSlices,
        format!("service/{service}"),
        "ready endpoints",
        names,
    );
    match ready.as_slice() {
        [] => row.breach(format!("service/{service} has no ready endpoint")),
        [only] if only == pod => {}
        [only] => row.unseen(format!("service/{service} leads to {only}, but {pod} was asked")),
        several => row.unseen(format!(
            "service/{service} leads to {}, and only {pod} was asked",
            counted(several.len(), "pod")
        )),
    }
}
