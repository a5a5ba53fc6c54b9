//! Containers that the kubelet killed because a probe failed, told apart by when.

use jiff::SignedDuration;

use super::{ProbeKind, Scene, Sighting, health::since};
use crate::snapshot::{
    Unreadable,
    events::Event,
    pods::{Probe, Terminated},
};

/// An end that is older than this, with the container well since, is over.
const RECENT: SignedDuration = SignedDuration::from_mins(10);

/// A container that was killed because of a probe.
pub(crate) struct Kill<'a> {
    /// Where.
    pub(crate) sighting: Sighting<'a>,
    /// The probe that failed.
    pub(crate) kind: ProbeKind,
    /// The probe.
    pub(crate) probe: &'a Probe,
    /// How the probe usually failed.
    pub(crate) failure: Option<&'a Event>,
    /// The event that says so; none where events could not be read.
    pub(crate) event: Option<&'a Event>,
    /// How the killed run ended.
    pub(crate) ended: &'a Terminated,
}

impl Kill<'_> {
    /// How long the killed run lasted.
    pub(crate) fn lasted(&self) -> SignedDuration {
        match (self.ended.started_at, self.ended.finished_at) {
            (Some(started), Some(finished)) => finished.duration_since(started),
            _ => SignedDuration::MAX,
        }
    }

    /// How long the probe lets a run go on that never passes it.
    pub(crate) fn window(&self) -> SignedDuration {
        SignedDuration::from_secs(
            self.probe.initial_delay_seconds + self.probe.period_seconds * self.probe.failure_threshold,
        )
    }

    /// Whether the run never passed the probe: it was killed at the first moment at which it could be, or refused the
    /// probe and was killed soon.
    pub(crate) fn never_passed(&self) -> bool {
        let seconds = SignedDuration::from_secs;
        let grace = seconds(self.sighting.pod.spec.termination_grace_period_seconds.unwrap_or(30));
        let slack = seconds(self.probe.period_seconds + self.probe.timeout_seconds + 2);
        // A loaded node probes late: a server that does not listen yet still tells itself from one that hangs.
        let refused = self
            .failure
            .is_some_and(|event| event.message.contains("connection refused"));
        self.kind == ProbeKind::Startup
            || self.lasted() <= self.window() + grace + slack
            || (refused && self.lasted() <= self.window() * 3 + grace + seconds(60))
    }

    /// Whether it was killed but once and runs again.
    pub(crate) fn is_single(&self) -> bool {
        !self.sighting.is_down() && self.sighting.status.restart_count < 2
    }
}

impl<'a> Scene<'a> {
    /// Containers whose latest end was a kill because of a liveness or startup probe, and that are not well since.
    pub(crate) fn kills(&self) -> Result<Vec<Kill<'a>>, Unreadable> {
        let events_read = self.snapshot.events().is_ok();
        let kill = |sighting: Sighting<'a>| {
            let (_, ended) = sighting.ended().filter(|(_, ended)| ended.reason != "OOMKilled")?;
            let recent = since(ended.finished_at, self.now()) < RECENT;
            let container = sighting.pod.container(&sighting.status.name)?;
            if !sighting.is_down() && !recent {
                return None;
            }
            [ProbeKind::Liveness, ProbeKind::Startup].into_iter().find_map(|kind| {
                let probe = kind.of(container)?;
                let event = self.probe_kill(sighting.pod, &container.name, kind);
                let failure = self.usual_failure(sighting.pod, &container.name, kind);
                // Without events, a container that was killed and has a liveness probe is the best that can be told.
                let guessed = !events_read && kind == ProbeKind::Liveness && ended.exit_code == 137;
                (event.is_some() || guessed).then_some(Kill {
                    sighting,
                    kind,
                    probe,
                    failure,
                    event,
                    ended,
                })
            })
        };
        Ok(self.containers()?.filter_map(kill).collect())
    }

    /// Whether the probe that killed a container could not have passed.
    pub(crate) fn is_probe_wrong(&self, kill: &Kill<'a>) -> bool {
        let container = kill.sighting.pod.container(&kill.sighting.status.name);
        container
            .and_then(|container| self.wrong_probe(kill.sighting.pod, container, kill.kind))
            .is_some()
    }
}
