//! The cluster is healthy and of a supported version.

use std::time::Duration;

use jiff::SignedDuration;

use crate::{
    checklist::{
        Item, Phase, Severity, Stage, Verdict,
        clauses::{Clauses, counted},
    },
    snapshot::{Snapshot, Source, Unreadable, condition},
    values::VersionWindow,
};

/// The item.
pub const ITEM: Item = Item {
    id: "infrastructure/cluster",
    title: "The cluster is healthy and of a supported version",
    stage: Stage::Pre,
    phase: Phase::Infrastructure,
    severity: Severity::Blocking,
    why: "On an unhealthy or unsupported control plane nothing that follows can be trusted.",
    fix: "Run `kubectl get --raw '/readyz?verbose'` and `kubectl get nodes`, and mend what they name.",
    reads: &[
        Source::Version,
        Source::Readiness,
        Source::Nodes,
        Source::NodeLeases,
        Source::ApiServices,
        Source::Expectations,
    ],
    judge,
};

/// The registration of the metrics API.
const METRICS_API: &str = "v1beta1.metrics.k8s.io";

#[expect(clippy::unnecessary_wraps, reason = "it has the shape of every judge")]
fn judge(snapshot: &Snapshot) -> Result<Verdict, Unreadable> {
    let mut row = Clauses::on(snapshot);
    version(&mut row, snapshot);
    readiness(&mut row, snapshot);
    let nodes = nodes(&mut row, snapshot);
    clocks(&mut row, snapshot, &nodes);
    metrics_api(&mut row, snapshot);
    let version = snapshot
        .version()
        .map(|version| version.git_version.as_str())
        .unwrap_or_default();
    let held = format!(
        "{version}, {} ready, checks pass, clocks agree",
        counted(nodes.len(), "node")
    );
    Ok(row.verdict(held))
}

fn version(row: &mut Clauses<'_>, snapshot: &Snapshot) {
    let (version, expected) = (row.read(snapshot.version()), row.read(snapshot.expectations()));
    let (Some(version), Some(expected)) = (version, expected) else {
        return;
    };
    let VersionWindow { minimum, maximum } = &expected.kubernetes;
    let version = version.git_version.as_str();
    row.stable(Source::Version, "cluster", "gitVersion", version);
    match (minor(version), minor(minimum), minor(maximum)) {
        (Some(found), Some(oldest), Some(newest)) if found < oldest || found > newest => {
            row.breach(format!("version {version} is outside of {minimum} to {maximum}"));
        }
        (Some(_), Some(_), Some(_)) => {}
        (None, ..) => row.unseen(format!("the server's version `{version}` cannot be read")),
        _ => row.unseen(format!(
            "the supported window `{minimum}` to `{maximum}` cannot be read"
        )),
    }
}

/// `(1, 35)` of `v1.35.4+k3s1` or `1.35`.
fn minor(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.trim_start_matches('v').split('.');
    let leading = |text: &str| {
        let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
        text[..end].parse().ok()
    };
    Some((numbers.next()?.parse().ok()?, leading(numbers.next()?)?))
}

fn readiness(row: &mut Clauses<'_>, snapshot: &Snapshot) {
    let Some(readiness) = row.read(snapshot.readiness()) else {
        return;
    };
    let (passed, failed) = (readiness.passed.len(), readiness.failed.join(", "));
    row.moving(
        Source::Readiness,
        "apiserver",
        "/readyz?verbose",
        format!("{} passed, {} failed", passed, readiness.failed.len()),
    );
    if !failed.is_empty() {
        row.breach(format!("the API server is not ready: {failed}"));
    } else if passed == 0 {
        row.unseen("the API server named none of its checks");
    }
}

/// Judges the nodes, and gives the names of all.
fn nodes<'a>(row: &mut Clauses<'_>, snapshot: &'a Snapshot) -> Vec<&'a str> {
    let Some(nodes) = row.read(snapshot.nodes()) else {
        return Vec::new();
    };
    if nodes.is_empty() {
        row.breach("the cluster has no node");
    }
    let mut ready = 0;
    for node in nodes {
        let condition = condition(&node.status.conditions, "Ready");
        if condition.is_some_and(|condition| condition.status == "True") {
            ready += 1;
            continue;
        }
        let object = format!("node/{}", node.metadata.name);
        let reason = match condition {
            Some(condition) if !condition.reason.is_empty() => format!("{}, {}", condition.status, condition.reason),
            Some(condition) => condition.status.to_string(),
            None => "no such condition".to_owned(),
        };
        row.moving(Source::Nodes, &object, "status.conditions[Ready]", &reason);
        row.breach(format!("{object} is not ready ({reason})"));
    }
    row.moving(
        Source::Nodes,
        "nodes",
        "status.conditions[Ready]",
        format!("{ready} of {} True", nodes.len()),
    );
    nodes.iter().map(|node| node.metadata.name.as_str()).collect()
}

/// A kubelet writes its lease with its own clock; what the API server noted when it took the write is the other clock.
fn clocks(row: &mut Clauses<'_>, snapshot: &Snapshot, nodes: &[&str]) {
    let (leases, expected) = (row.read(snapshot.node_leases()), row.read(snapshot.expectations()));
    let (Some(leases), Some(expected)) = (leases, expected) else {
        return;
    };
    let limit = expected.clock_skew.0;
    let mut largest = Duration::ZERO;
    for name in nodes {
        let object = format!("node/{name}");
        let lease = leases
            .iter()
            .find(|lease| lease.metadata.name == *name && lease.metadata.namespace == "kube-node-lease");
        let Some((lease, renewed)) = lease.and_then(|lease| Some((lease, lease.spec.renew_time?))) else {
            row.unseen(format!("{object} has no renewed lease that would show its clock"));
            continue;
        };
        let skew = lease.skew(renewed, snapshot.taken_at);
        largest = largest.max(skew.unsigned_abs());
        let age = snapshot.taken_at.duration_since(renewed);
        let lasting = SignedDuration::from_secs(lease.spec.lease_duration_seconds.clamp(1, 86_400));
        let stale = age > lasting.saturating_add(SignedDuration::try_from(limit).unwrap_or(SignedDuration::MAX));
        if skew.unsigned_abs() > limit {
            row.moving(Source::NodeLeases, &object, "spec.renewTime", renewed);
            let way = if skew.is_positive() { "ahead of" } else { "behind" };
            row.breach(format!(
                "the clock of {object} is {} s {way} the API server's",
                skew.unsigned_abs().as_secs()
            ));
        } else if stale {
            row.moving(Source::NodeLeases, &object, "spec.renewTime", renewed);
            row.breach(format!("{object} has not renewed its lease for {} s", age.as_secs()));
        }
    }
    if !nodes.is_empty() {
        row.moving(
            Source::NodeLeases,
            "nodes",
            "largest clock skew",
            format!("{} ms of {limit:?} allowed", largest.as_millis()),
        );
    }
}

fn metrics_api(row: &mut Clauses<'_>, snapshot: &Snapshot) {
    let Some(services) = row.read(snapshot.api_services()) else {
        return;
    };
    let object = format!("apiservice/{METRICS_API}");
    let Some(service) = services.iter().find(|service| service.metadata.name == METRICS_API) else {
        row.breach(format!("the metrics API is not registered: no {object}"));
        return;
    };
    match condition(&service.status.conditions, "Available") {
        Some(available) => {
            row.moving(
                Source::ApiServices,
                &object,
                "status.conditions[Available]",
                &available.status,
            );
            if available.status != "True" {
                row.breach(format!("the metrics API is not available: {}", available.reason));
            }
        }
        None => row.unseen(format!("{object} does not say whether it is available")),
    }
}
