//! Sightings: the same trouble seen on several pods of one workload is one cause.

use std::collections::{BTreeMap, BTreeSet};

use super::Scene;
use crate::{
    checklist::Evidence,
    snapshot::{
        Pod, Unreadable,
        pods::{ContainerStatus, Terminated, Waiting},
    },
};

/// A container of a current pod, with what diagnoses ask of it.
#[derive(Clone, Copy)]
pub(crate) struct Sighting<'a> {
    /// The pod.
    pub(crate) pod: &'a Pod,
    /// The container's status.
    pub(crate) status: &'a ContainerStatus,
}

impl<'a> Sighting<'a> {
    /// What it waits for.
    pub(crate) fn waiting(&self) -> Option<&'a Waiting> {
        self.status.state.waiting.as_deref()
    }

    /// The end of its latest run that ended, and which state that is.
    pub(crate) fn ended(&self) -> Option<(&'static str, &'a Terminated)> {
        let now = self.status.state.terminated.as_deref().map(|ended| ("state", ended));
        now.or_else(|| {
            self.status
                .last_state
                .terminated
                .as_deref()
                .map(|ended| ("lastState", ended))
        })
    }

    /// Whether it is down now: it waits for its next start, or ended without one.
    pub(crate) fn is_down(&self) -> bool {
        let waits = self
            .waiting()
            .is_some_and(|waiting| !matches!(waiting.reason.as_str(), "" | "ContainerCreating" | "PodInitializing"));
        let ended = self
            .status
            .state
            .terminated
            .as_deref()
            .is_some_and(|ended| ended.exit_code != 0);
        waits || ended
    }

    /// The evidence of its state: how its last run ended, else what it waits for.
    pub(crate) fn state(&self, scene: &Scene<'_>) -> Option<Evidence> {
        match (self.ended(), self.waiting()) {
            (Some((which, ended)), _) => Some(scene.ended_state(self.pod, &self.status.name, which, ended)),
            (None, Some(waiting)) => Some(scene.waiting_state(self.pod, &self.status.name, waiting)),
            (None, None) => None,
        }
    }
}

/// Sightings of one cause on one workload.
pub(crate) struct Group<'a> {
    /// The workload, `kind/name`, or all of them for a person.
    pub(crate) workload: String,
    /// What makes it the same cause: an image, an object's name.
    pub(crate) key: String,
    /// Where it is seen, by pod; never empty.
    pub(crate) sightings: Vec<Sighting<'a>>,
}

impl<'a> Group<'a> {
    /// The first sighting, which stands for the others.
    pub(crate) fn first(&self) -> Sighting<'a> {
        self.sightings[0]
    }

    /// The container of the first sighting.
    pub(crate) fn container(&self) -> &'a str {
        &self.first().status.name
    }

    /// The pods, `pod/NAME`.
    pub(crate) fn pods(&self) -> Vec<String> {
        self.sightings.iter().map(|sighting| sighting.pod.object()).collect()
    }

    /// The states of the first few.
    pub(crate) fn states(&self, scene: &Scene<'_>) -> Vec<Evidence> {
        self.sightings
            .iter()
            .take(3)
            .filter_map(|sighting| sighting.state(scene))
            .collect()
    }

    /// What the containers of the first few wait for.
    pub(crate) fn waits(&self, scene: &Scene<'_>) -> Vec<Evidence> {
        let seen = self.sightings.iter().take(3);
        seen.filter_map(|it| Some(scene.waiting_state(it.pod, &it.status.name, it.waiting()?)))
            .collect()
    }
}

/// Puts sightings of one key on one workload together, in the order of workloads, keys and pods.
pub(crate) fn per_workload<'a>(
    scene: &Scene<'a>,
    seen: impl IntoIterator<Item = (String, Sighting<'a>)>,
) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<(String, String), Vec<Sighting<'a>>> = BTreeMap::new();
    for (key, sighting) in seen {
        groups
            .entry((scene.workload(sighting.pod), key))
            .or_default()
            .push(sighting);
    }
    let group = |((workload, key), sightings)| Group {
        workload,
        key,
        sightings,
    };
    groups.into_iter().map(group).collect()
}

/// Puts sightings of one key together whatever their workload: what is absent is absent for all.
pub(crate) fn per_key<'a>(scene: &Scene<'a>, seen: impl IntoIterator<Item = (String, Sighting<'a>)>) -> Vec<Group<'a>> {
    let mut groups: BTreeMap<String, Vec<Sighting<'a>>> = BTreeMap::new();
    for (key, sighting) in seen {
        groups.entry(key).or_default().push(sighting);
    }
    let group = |(key, sightings): (String, Vec<Sighting<'a>>)| {
        let workloads: BTreeSet<String> = sightings.iter().map(|sighting| scene.workload(sighting.pod)).collect();
        let workload = super::list(&workloads.into_iter().collect::<Vec<_>>());
        Group {
            workload,
            key,
            sightings,
        }
    };
    groups.into_iter().map(group).collect()
}

impl<'a> Scene<'a> {
    /// Every container of every current pod.
    pub(crate) fn containers(&self) -> Result<impl Iterator<Item = Sighting<'a>> + use<'_, 'a>, Unreadable> {
        let pods = self.current()?;
        Ok(pods
            .iter()
            .copied()
            .flat_map(|pod| pod.statuses().map(move |status| Sighting { pod, status })))
    }

    /// Containers that wait for one of some reasons.
    pub(crate) fn waiting(
        &self,
        reasons: &'static [&str],
    ) -> Result<impl Iterator<Item = (Sighting<'a>, &'a Waiting)> + use<'_, 'a>, Unreadable> {
        let with_waiting = |sighting: Sighting<'a>| sighting.waiting().map(|waiting| (sighting, waiting));
        Ok(self
            .containers()?
            .filter_map(with_waiting)
            .filter(|(_, waiting)| reasons.contains(&waiting.reason.as_str())))
    }
}
