//! Containers that the kernel killed for memory, told apart by whether they are well since.

use jiff::SignedDuration;

use super::{Group, Scene, Sighting, health::since};
use crate::{
    checklist::Evidence,
    snapshot::{Quantity, Source, Unreadable},
};

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

impl<'a> Scene<'a> {
    /// Containers that were killed for memory.
    pub(crate) fn out_of_memory(&self, wanted: Aftermath) -> Result<Vec<Sighting<'a>>, Unreadable> {
        Ok(self
            .containers()?
            .filter(|sighting| self.aftermath(sighting) == Some(wanted))
            .collect())
    }

    fn aftermath(&self, sighting: &Sighting<'_>) -> Option<Aftermath> {
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
