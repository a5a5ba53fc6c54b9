//! Containers that the kernel killed for memory, told apart by whether they are well since.

use jiff::SignedDuration;

use super::{Group, Scene, Sighting, Workload, health::since, heaps, per_workload};
use crate::{
    checklist::Evidence,
    snapshot::{Quantity, Source, Unreadable, namespaces::LimitRange},
};

/// What telling such kills apart reads.
pub(crate) const READS: &[Source] = &[
    Source::Pods,
    Source::ReplicaSets,
    Source::Jobs,
    Source::Deployments,
    Source::StatefulSets,
    Source::LimitRanges,
];

/// A kill this recent may still be part of a series.
const SERIES: SignedDuration = SignedDuration::from_mins(10);
/// A kill older than this, with the container well since, is no news.
const NEWS: SignedDuration = SignedDuration::from_hours(1);

/// What became of a container after the kernel killed it for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aftermath {
    /// It is down or was killed again and again.
    Loop,
    /// It has run well since, but not for long.
    Recovered,
}

/// Where the plugin of `LimitRange`s writes what it gave a pod: `memory limit for container main`
/// (<https://kubernetes.io/docs/concepts/policy/limit-range/>).
const LIMIT_RANGER: &str = "kubernetes.io/limit-ranger";
/// Where the vertical autoscaler writes what it changed.
const AUTOSCALER: &str = "vpaUpdates";

/// Who gave a container a limit that its pod template does not ask for.
pub(crate) enum Giver<'a> {
    /// A default of the namespace; `None` when no `LimitRange` is known that still has it.
    LimitRange(Option<&'a LimitRange>),
    /// A webhook, or the vertical autoscaler, which is one.
    Admission {
        /// In words.
        by: &'static str,
        /// The workload, which asks for something else.
        workload: Workload<'a>,
        /// What its template asks for.
        asked: Option<&'a Quantity>,
    },
}

impl<'a> Scene<'a> {
    /// Containers that were killed at a limit of their own, with no better reason than that they need more.
    pub(crate) fn outgrown(&self, wanted: Aftermath) -> Result<Vec<Group<'a>>, Unreadable> {
        let seen = self.out_of_memory(wanted)?.into_iter();
        let seen = seen.filter(|sighting| heaps::beyond_limit(sighting).is_none());
        let mut groups = per_workload(self, seen.map(|sighting| (sighting.status.name.to_string(), sighting)));
        groups.retain(|group| self.limit_giver(group).is_none());
        Ok(groups)
    }

    /// Who gave the limit, when the pod template does not ask for it.
    pub(crate) fn limit_giver(&self, group: &Group<'a>) -> Option<Giver<'a>> {
        let given = memory_limit(group)?;
        let annotations = &group.first().pod.metadata.annotations;
        if annotations
            .get(LIMIT_RANGER)
            .is_some_and(|told| tells_of_limit(told, group.container()))
        {
            let ranges = self.snapshot.limit_ranges().into_iter().flatten();
            let giving = ranges.filter(|range| gives(range, given));
            return Some(Giver::LimitRange(giving.min_by_key(|range| &range.metadata.name)));
        }
        // Pods of a deployment's newest replica set follow its template; those of others may be of a former one.
        let workload = self
            .workloads()
            .into_iter()
            .find(|it| it.object == group.workload && it.source == Source::Deployments && it.is_observed())?;
        let containers = &workload.template.spec.containers;
        let container = containers.iter().find(|it| it.name == group.container())?;
        let asked = container.resources.limits.get("memory");
        let by = if annotations.contains_key(AUTOSCALER) {
            "the vertical autoscaler"
        } else {
            "an admission webhook"
        };
        (asked.and_then(Quantity::units) != given.units()).then_some(Giver::Admission { by, workload, asked })
    }

    /// Containers that were killed for memory.
    pub(crate) fn out_of_memory(&self, wanted: Aftermath) -> Result<Vec<Sighting<'a>>, Unreadable> {
        Ok(self
            .containers()?
            .filter(|sighting| self.aftermath(sighting) == Some(wanted))
            .collect())
    }

    /// What became of a container that was killed for memory.
    pub(crate) fn aftermath(&self, sighting: &Sighting<'_>) -> Option<Aftermath> {
        let (_, ended) = sighting.ended().filter(|(_, ended)| ended.reason == "OOMKilled")?;
        let ago = since(ended.finished_at, self.now());
        let repeated = sighting.status.restart_count >= 3 || !sighting.status.ready;
        if sighting.is_down() || (repeated && ago < SERIES) {
            return Some(Aftermath::Loop);
        }
        (ago < NEWS && sighting.status.ready).then_some(Aftermath::Recovered)
    }

    /// The limit as evidence.
    pub(crate) fn limit_evidence(&self, group: &Group<'a>) -> Option<Evidence> {
        let field = format!("spec.containers[{}].resources.limits.memory", group.container());
        Some(self.field(
            Source::Pods,
            group.first().pod.object(),
            &field,
            &memory_limit(group)?.0,
        ))
    }
}

/// `LimitRanger plugin set: cpu request for container main; cpu, memory limit for container main`.
fn tells_of_limit(told: &str, container: &str) -> bool {
    let parts = told.split([':', ';']).map(str::trim);
    parts
        .filter_map(|part| part.split_once(" limit for container "))
        .any(|(resources, name)| name == container && resources.split(", ").any(|it| it == "memory"))
}

fn gives(range: &LimitRange, limit: &Quantity) -> bool {
    let containers = range.spec.limits.iter().filter(|item| item.kind == "Container");
    containers
        .filter_map(|item| item.default_limits.get("memory"))
        .any(|default| default.units() == limit.units())
}

/// The memory limit of a group's container, when it has one.
pub(crate) fn memory_limit<'a>(group: &Group<'a>) -> Option<&'a Quantity> {
    group
        .first()
        .pod
        .container(group.container())?
        .resources
        .limits
        .get("memory")
}

/// Twice a limit, as a quantity: `128Mi` for `64Mi`.
pub(crate) fn doubled(limit: &Quantity) -> String {
    let digits = limit
        .0
        .find(|letter: char| !letter.is_ascii_digit())
        .unwrap_or(limit.0.len());
    match limit.0[..digits].parse::<u64>() {
        Ok(number) => format!("{}{}", number * 2, &limit.0[digits..]),
        Err(_) => "MORE".into(),
    }
}
