//! What the rendered objects take of a rendered quota.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::facts::{Count, Facts, Workload};
use crate::snapshot::{Metadata, Quantity, namespaces::LimitRange, pods::Container, storage::PersistentVolumeClaim};

/// A quota of which more is taken than it has.
pub(super) struct Excess {
    /// `resourcequota/NAME`.
    pub(super) object: String,
    /// `requests.memory`.
    pub(super) resource: String,
    /// What is taken, as Kubernetes writes it.
    pub(super) taken: String,
    /// What there is.
    pub(super) hard: String,
    /// Who takes most of it.
    pub(super) largest: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Quota {
    metadata: Metadata,
    spec: QuotaSpec,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct QuotaSpec {
    hard: BTreeMap<String, Quantity>,
    scopes: Vec<String>,
    scope_selector: Option<Value>,
}

/// The quotas that do not have what so many pods of each workload take.
pub(super) fn exceeded(facts: &Facts, pods: fn(Count) -> i64) -> Vec<Excess> {
    let mut excesses = Vec::new();
    for quota in facts.all::<Quota>("ResourceQuota") {
        if !quota.spec.scopes.is_empty() || quota.spec.scope_selector.is_some() {
            continue;
        }
        for (resource, hard) in &quota.spec.hard {
            let Some(limit) = hard.milli() else { continue };
            let takers = takers(facts, resource, pods);
            let taken: i128 = takers.iter().map(|(_, amount)| amount).sum();
            if taken > limit
                && let Some((largest, _)) = takers.into_iter().max_by_key(|(_, amount)| *amount)
            {
                excesses.push(Excess {
                    object: format!("resourcequota/{}", quota.metadata.name),
                    resource: resource.clone(),
                    taken: written(resource, taken),
                    hard: hard.0.clone(),
                    largest,
                });
            }
        }
    }
    excesses
}

/// Who takes how many thousandths of a resource.
fn takers(facts: &Facts, resource: &str, pods: fn(Count) -> i64) -> Vec<(String, i128)> {
    let defaults = facts.all::<LimitRange>("LimitRange");
    let of_each = |workload: &Workload| -> i128 {
        let claims = &workload.spec.volume_claim_templates;
        match resource {
            "pods" | "count/pods" => 1000,
            "persistentvolumeclaims" => claims.len() as i128 * 1000,
            "requests.storage" => claims.iter().map(storage).sum(),
            _ => of_pod(workload, resource, &defaults),
        }
    };
    // Hooks come and go, one after another.
    let workloads = facts.workloads.iter().filter(|workload| !workload.is_hook);
    let mut takers: Vec<_> = workloads
        .map(|workload| {
            (
                workload.object(),
                i128::from(pods(facts.count(workload))) * of_each(workload),
            )
        })
        .collect();
    for claim in facts.all::<PersistentVolumeClaim>("PersistentVolumeClaim") {
        let amount = match resource {
            "persistentvolumeclaims" => 1000,
            "requests.storage" => storage(&claim),
            _ => 0,
        };
        takers.push((format!("persistentvolumeclaim/{}", claim.metadata.name), amount));
    }
    takers
}

fn storage(claim: &PersistentVolumeClaim) -> i128 {
    let size = claim.spec.resources.requests.get("storage");
    size.and_then(Quantity::milli).unwrap_or_default()
}

/// Containers run together, those before them one after another, so the larger counts.
fn of_pod(workload: &Workload, resource: &str, defaults: &[LimitRange]) -> i128 {
    let (is_limit, name) = match resource.split_once('.') {
        Some(("limits", name)) => (true, name),
        Some(("requests", name)) => (false, name),
        _ => (false, resource),
    };
    let of = |container: &Container| of_container(container, name, is_limit, defaults);
    let spec = &workload.template.spec;
    let (sidecars, before): (Vec<_>, Vec<_>) = spec
        .init_containers
        .iter()
        .partition(|container| container.restart_policy.as_deref() == Some("Always"));
    let together: i128 = spec.containers.iter().chain(sidecars).map(of).sum();
    let before = before.into_iter().map(of).max().unwrap_or_default();
    together.max(before)
}

fn of_container(container: &Container, name: &str, is_limit: bool, defaults: &[LimitRange]) -> i128 {
    let limit = container.resources.limits.get(name);
    let own = if is_limit {
        limit
    } else {
        container.resources.requests.get(name).or(limit)
    };
    let ranges = defaults
        .iter()
        .flat_map(|range| &range.spec.limits)
        .filter(|range| range.kind == "Container");
    let mut given = ranges.filter_map(|range| {
        let requests = range.default_request.get(name).filter(|_| !is_limit);
        requests.or(range.default_limits.get(name))
    });
    own.or_else(|| given.next())
        .and_then(Quantity::milli)
        .unwrap_or_default()
}

/// As Kubernetes writes it: thousandths of a processor, or mebibytes.
fn written(resource: &str, milli: i128) -> String {
    if resource.ends_with("memory") || resource.ends_with("storage") {
        return format!("{}Mi", milli / 1000 / (1 << 20));
    }
    if milli % 1000 == 0 {
        (milli / 1000).to_string()
    } else {
        format!("{milli}m")
    }
}
